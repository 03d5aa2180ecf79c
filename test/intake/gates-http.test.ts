/** Hooks over HTTP as gates: what they are told, how it is signed, and that nothing but a verdict passes a file. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { httpGate, httpGateEntry } from '../../src/intake/gates/http.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { type TestCertificates, testCertificates } from '../fixtures/certificates.ts';
import { ask, itemOf, manyBytes } from '../fixtures/gate-item.ts';

let certificates: TestCertificates;
let folder: string;
let secretFile: string;
beforeAll(async () => {
  certificates = await testCertificates();
  folder = await mkdtemp(join(tmpdir(), 'sallyport-hook-'));
  secretFile = join(folder, 'secret');
  await writeFile(secretFile, 'the key of the hook\n', { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A hook that answers as `listener` says. @returns its URL. */
async function hook(listener: RequestListener, scheme: 'http' | 'https' = 'https'): Promise<string> {
  const { cert, key } = certificates;
  const server = scheme === 'https' ? createServer({ cert, key }, listener) : createPlainServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `${scheme}://localhost:${typeof address === 'object' ? address?.port : 0}/check`;
}

/** A hook that reads everything and answers 200 with this text. */
const saying = (text: string) => hook((request, response) => void request.resume().on('end', () => response.end(text)));

const PASS = '{"verdict":"pass"}';

interface Seen {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A hook that passes, and what it saw. */
async function watching(): Promise<{ url: string; seen: Seen }> {
  const seen: Seen = { headers: {}, body: '' };
  const url = await hook(async (request, response) => {
    seen.headers = request.headers;
    for await (const piece of request) seen.body += String(piece);
    response.end(PASS);
  });
  return { url, seen };
}

const NOW_MS = Date.UTC(2026, 4, 6, 7, 8, 9);

function gateTo(written: Record<string, unknown>) {
  const options = httpGateEntry.parse({ kind: 'http', name: 'hook', caFile: certificates.files.caCert, ...written });
  return httpGate(options, { clock: new FakeClock(NOW_MS) });
}

describe.each([['metadata'], ['content']])('what is not plainly a verdict is none (%s)', (send) => {
  test.each([
    ['nothing', '', /not answer in JSON/],
    ['no JSON', 'pass', /not answer in JSON/],
    ['JSON that breaks off', '{"verdict":"pass"', /not answer in JSON/],
    ['another type', 'true', /something else than a verdict/],
    ['null', 'null', /something else than a verdict/],
    ['no verdict', '{}', /something else than a verdict/],
    ['a verdict that does not exist', '{"verdict":"ok"}', /something else than a verdict/],
    ['a key that does not exist', '{"verdict":"pass","really":true}', /something else than a verdict/],
    ['a reason that is none', '{"verdict":"refuse","reason":1}', /something else than a verdict/],
    ['too much', ' '.repeat(70_000), /more than 65536 bytes/],
  ])('%s', async (_, text, reason) => {
    await expect(ask(gateTo({ url: await saying(text), send }), itemOf('hello'))).rejects.toThrow(reason);
  });

  test.each([[201], [204], [301], [302], [307], [400], [401], [500], [503]])('status %i', async (status) => {
    let asked = 0;
    const target = await hook((_, response) => {
      asked += 1;
      response.end(PASS);
    });
    const url = await hook((request, response) => {
      request.resume();
      response.writeHead(status, { Location: target }).end(status === 204 ? undefined : PASS);
    });
    await expect(ask(gateTo({ url, send }), itemOf('hello'))).rejects.toThrow(`the hook answered ${status}`);
    expect(asked).toBe(0);
  });

  test('an answer that is cut off, a connection that is dropped, nobody there', async () => {
    const cut = await hook((_, response) => {
      response.writeHead(200, { 'Content-Length': PASS.length });
      response.write(PASS.slice(0, 9), () => response.destroy());
    });
    await expect(ask(gateTo({ url: cut, send }), itemOf('hello'))).rejects.toThrow(/aborted/);
    const dropped = await hook((request) => void request.socket.destroy());
    await expect(ask(gateTo({ url: dropped, send }), itemOf('hello'))).rejects.toThrow(/hang up|ECONNRESET/);
    await expect(ask(gateTo({ url: 'https://127.0.0.1:1/', send }), itemOf('hello'))).rejects.toThrow(/ECONNREFUSED/);
  });

  test('a certificate of another authority', async () => {
    const gate = gateTo({ url: await saying(PASS), send, caFile: certificates.files.clientCert });
    await expect(ask(gate, itemOf('hello'))).rejects.toThrow(/certificate/);
  });

  test('silence, until nobody waits any more', async () => {
    const asked = Promise.withResolvers<void>();
    const url = await hook(() => asked.resolve());
    const late = new AbortController();
    const answer = ask(gateTo({ url, send }), itemOf('hello'), late.signal);
    await asked.promise;
    late.abort(new Error('late'));
    await expect(answer).rejects.toThrow('late');
  });

  test('a key that others can read', async () => {
    const open = join(folder, 'open');
    await writeFile(open, 'secret\n', { mode: 0o644 });
    const gate = gateTo({ url: await saying(PASS), send, secretFile: open });
    await expect(ask(gate, itemOf('hello'))).rejects.toThrow(/chmod/);
  });
});

describe('verdicts', () => {
  test.each([
    [PASS, { verdict: 'pass' }],
    ['{"verdict":"pass","reason":"seen"}', { verdict: 'pass', detail: 'seen' }],
    ['{"verdict":"refuse"}', { verdict: 'refuse', reason: 'the hook refused' }],
    [
      '{"verdict":"refuse","reason":"no\\u001b date","told":"The date is missing."}',
      { verdict: 'refuse', reason: 'no\\u001b date', told: 'The date is missing.' },
    ],
  ])('%s', async (text, verdict) => {
    expect(await ask(gateTo({ url: await saying(text) }), itemOf('hello'))).toEqual(verdict);
  });

  test('over http:// on this machine', async () => {
    const url = await hook((_, response) => void response.end(PASS), 'http');
    expect((await ask(gateTo({ url, caFile: undefined }), itemOf('hello'))).verdict).toBe('pass');
  });
});

describe('what a hook is told', () => {
  const SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
  const told = {
    ...{ upload: 'up-1', account: 'alice', path: '/in/Zürich 😀.csv', address: '192.0.2.7' },
    ...{ bytes: 5, sha256: SHA256 },
  };
  const item = () => itemOf('hello', { path: '/in/Zürich 😀.csv' });
  const signature = (text: string) =>
    `v1=${createHmac('sha256', 'the key of the hook')
      .update(`${NOW_MS / 1_000}.${text}`)
      .digest('hex')}`;

  test('of the file, signed, without the contents being read', async () => {
    const { url, seen } = await watching();
    const file = item();
    expect((await ask(gateTo({ url, secretFile }), file)).verdict).toBe('pass');
    expect(JSON.parse(seen.body)).toEqual(told);
    expect(seen.headers).toMatchObject({
      'content-type': 'application/json',
      'x-sallyport-timestamp': String(NOW_MS / 1_000),
      'x-sallyport-signature': signature(seen.body),
    });
    expect(file.read).toEqual({ bytes: 0, left: false });
  });

  test('the file itself, and what is signed says which one', async () => {
    const { url, seen } = await watching();
    expect((await ask(gateTo({ url, secretFile, send: 'content' }), item())).verdict).toBe('pass');
    expect(seen.body).toBe('hello');
    const { 'x-sallyport-upload': header = '' } = seen.headers;
    expect(JSON.parse(String(header))).toEqual(told);
    expect(header).toMatch(/^[\x20-\x7e]+$/);
    expect(seen.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '5',
      'x-sallyport-signature': signature(String(header)),
    });
  });

  test('a file that is still arriving, without its size and hash', async () => {
    const { url, seen } = await watching();
    const arriving = itemOf('hello', { arrived: new Promise(() => undefined), address: undefined });
    expect((await ask(gateTo({ url, send: 'content' }), arriving)).verdict).toBe('pass');
    expect(seen.body).toBe('hello');
    expect(seen.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(seen.headers).not.toHaveProperty('x-sallyport-signature');
    expect(JSON.parse(String(seen.headers['x-sallyport-upload']))).toMatchObject({
      address: null,
      bytes: null,
      sha256: null,
    });
  });
});

describe('answers in the middle', () => {
  test('a pass before it had everything is none, and a refusal is one', async () => {
    const answering = (text: string) => hook((_, response) => void response.end(text));
    const early = itemOf(manyBytes(200_000_000));
    const passing = gateTo({ url: await answering(PASS), send: 'content' });
    await expect(ask(passing, early)).rejects.toThrow(/before it had all of it|EPIPE|ECONNRESET/);
    expect(early.read.left).toBe(true);
    const refused = itemOf('hello', { hanging: true });
    const refusing = gateTo({ url: await answering('{"verdict":"refuse","reason":"no"}'), send: 'content' });
    expect(await ask(refusing, refused)).toEqual({ verdict: 'refuse', reason: 'no' });
  });

  test('a hook that reads nothing holds the reading of the file back', async () => {
    const url = await hook(() => undefined);
    const late = new AbortController();
    const item = itemOf(manyBytes(200_000_000));
    const asked = ask(gateTo({ url, send: 'content' }), item, late.signal);
    asked.catch(() => undefined);
    let before = -1;
    while (before !== item.read.bytes || before === 0) {
      before = item.read.bytes;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(item.read.bytes).toBeLessThan(50_000_000);
    late.abort(new Error('late'));
    await expect(asked).rejects.toThrow('late');
    expect(item.read.left).toBe(true);
  });

  test('a file that cannot be read is not passed', async () => {
    const item = itemOf('hello', { broken: new Error('the disk is gone') });
    await expect(ask(gateTo({ url: await saying(PASS), send: 'content' }), item)).rejects.toThrow('the disk is gone');
  });
});

test.each([
  ['http://hooks.example.com/'],
  ['http://127.0.0.1.example.com/'],
  ['https://user:secret@hooks.example.com/'],
  ['https://hooks.example.com/#a'],
  ['ftp://localhost/'],
  ['hooks'],
])('%s is refused', (url) => {
  const issues = httpGateEntry.safeParse({ kind: 'http', name: 'hook', url }).error?.issues ?? [];
  expect(issues.map(({ path }) => path[0])).toEqual(['url']);
});
