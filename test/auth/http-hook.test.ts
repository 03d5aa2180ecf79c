import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { httpEntry, httpProver } from '../../src/auth/http-hook.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Credentials } from '../../src/spi/authenticator.ts';
import { type TestCertificates, testCertificates } from '../fixtures/certificates.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of cleanUp.splice(0).reverse()) await act();
});

type Written = Omit<Parameters<typeof httpEntry.parse>[0] & object, 'type'>;

/** A hook that answers as `listener` says. @returns its URL. */
async function hook(listener: RequestListener, scheme: 'http' | 'https' = 'https'): Promise<string> {
  const { cert, key } = certificates;
  const server: Server | ReturnType<typeof createPlainServer> =
    scheme === 'https' ? createServer({ cert, key }, listener) : createPlainServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `${scheme}://localhost:${typeof address === 'object' ? address?.port : 0}/login`;
}

/** A hook that answers 200 with this text. */
const saying = (text: string) => hook((_, response) => void response.end(text));

const NEVER = new AbortController().signal;

const alice: Credentials = {
  user: 'alice',
  password: new Secret('p4ssw0rd'),
  address: '192.0.2.1',
  tls: undefined,
  host: undefined,
};

async function prove(written: Written, credentials: Partial<Credentials> = {}, signal = NEVER) {
  const log = new RecordingLog();
  const options = httpEntry.parse({ type: 'http', caFile: certificates.files.caCert, ...written });
  const proof = await httpProver(options, { clock: systemClock, log }).prove({ ...alice, ...credentials }, signal);
  expect(JSON.stringify(log.entries)).not.toContain('p4ssw0rd');
  return { proof, failure: String(log.of('http_hook.failed')[0]?.error) };
}

const NO_ANSWER = { verdict: 'refused', reason: 'the hook gave no answer' };

describe('whatever is not plainly an answer is a refusal, and is logged', () => {
  test.each([
    ['nothing', '', /not answer in JSON/],
    ['no JSON', 'accepted', /not answer in JSON/],
    ['JSON that repeats the password and breaks off', '{"password":"p4ssw0rd"', /not answer in JSON/],
    ['another type', 'true', /something else than a verdict/],
    ['no verdict', '{}', /something else than a verdict/],
    ['a verdict that does not exist', '{"verdict":"ok"}', /something else than a verdict/],
    ['a key that does not exist', '{"verdict":"accepted","admin":true}', /something else than a verdict/],
    ['an account that cannot be', '{"verdict":"accepted","user":"../alice"}', /something else than a verdict/],
    ['a home that is not absolute', '{"verdict":"accepted","home":"srv"}', /something else than a verdict/],
    ['a group with a line end', '{"verdict":"accepted","groups":["a\\nb"]}', /something else than a verdict/],
    ['too much', ' '.repeat(70_000), /more than 65536 bytes/],
  ])('%s', async (_, text, reason) => {
    const { proof, failure } = await prove({ url: await saying(text) });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toMatch(reason);
  });

  test.each([[201], [204], [400], [401], [500], [503]])('status %i', async (status) => {
    const url = await hook((_, response) => void response.writeHead(status).end('{"verdict":"accepted"}'));
    const { proof, failure } = await prove({ url });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toContain(`answered ${status}`);
  });

  test.each([[301], [302], [303], [307], [308]])('a redirect (%i), which nobody follows', async (status) => {
    let asked = 0;
    const target = await hook((_, response) => {
      asked += 1;
      response.end('{"verdict":"accepted"}');
    });
    const url = await hook((_, response) => void response.writeHead(status, { Location: target }).end());
    expect((await prove({ url })).proof).toEqual(NO_ANSWER);
    expect(asked).toBe(0);
  });

  test('silence', async () => {
    const { proof, failure } = await prove({ url: await hook(() => undefined), timeoutMs: 100 });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toContain('no answer within 100 ms');
  });

  test('an answer that does not end', async () => {
    const url = await hook((_, response) => void response.writeHead(200).write('{"verdict":'));
    const { proof, failure } = await prove({ url, timeoutMs: 100 });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toContain('no answer within 100 ms');
  });

  test('an answer that is cut off', async () => {
    const url = await hook((_, response) => {
      response.writeHead(200, { 'Content-Length': 22 });
      response.write('{"verdict":"accepted"}'.slice(0, 12), () => response.destroy());
    });
    expect((await prove({ url })).proof).toEqual(NO_ANSWER);
  });

  test('a connection that is dropped', async () => {
    const url = await hook((request) => void request.socket.destroy());
    expect((await prove({ url })).proof).toEqual(NO_ANSWER);
  });

  test('nobody there', async () => {
    const { proof, failure } = await prove({ url: 'https://127.0.0.1:1/' });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toContain('ECONNREFUSED');
  });

  test('a certificate of another authority', async () => {
    const url = await saying('{"verdict":"accepted"}');
    const { proof, failure } = await prove({ url, caFile: certificates.files.clientCert });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toMatch(/certificate/);
  });

  test('a certificate for another name', async () => {
    const url = (await saying('{"verdict":"accepted"}')).replace('localhost', '127.0.0.2');
    const { proof, failure } = await prove({ url });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toMatch(/127\.0\.0\.2/);
  });

  test('a secret that others can read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-hook-'));
    cleanUp.push(() => rm(folder, { recursive: true }));
    const secretFile = join(folder, 'secret');
    await writeFile(secretFile, 'key', { mode: 0o644 });
    const { proof, failure } = await prove({ url: await saying('{"verdict":"accepted"}'), secretFile });
    expect(proof).toEqual(NO_ANSWER);
    expect(failure).toContain('chmod 640');
  });
});

describe('what is not asked at all', () => {
  test('without a password it declines, and an empty one is refused', async () => {
    const url = 'https://127.0.0.1:1/';
    expect((await prove({ url }, { password: undefined })).proof).toEqual({ verdict: 'declined' });
    expect((await prove({ url }, { password: new Secret('') })).proof).toEqual({
      verdict: 'refused',
      reason: 'empty password',
    });
  });

  test('a client that is gone ends the question', async () => {
    const gone = new AbortController();
    const url = await hook(() => gone.abort(new Error('gone')));
    await expect(prove({ url }, {}, gone.signal)).rejects.toThrow('gone');
  });
});

describe('verdicts', () => {
  test('refused and declined', async () => {
    expect((await prove({ url: await saying('{"verdict":"refused"}') })).proof).toEqual({
      verdict: 'refused',
      reason: 'the hook refused',
    });
    expect((await prove({ url: await saying('{"verdict":"declined"}') })).proof).toEqual({ verdict: 'declined' });
  });

  test('accepted, with the name that was sent', async () => {
    expect((await prove({ url: await saying('{"verdict":"accepted"}') })).proof).toEqual({
      verdict: 'accepted',
      identity: { user: 'alice', groups: [] },
    });
  });

  test('accepted under a name that no account can have is refused', async () => {
    const { proof } = await prove({ url: await saying('{"verdict":"accepted"}') }, { user: '../alice' });
    expect(proof).toEqual({ verdict: 'refused', reason: 'not the name of an account' });
  });

  test('accepted, with all that the hook knows', async () => {
    const url = await saying('{"verdict":"accepted","user":"a-1","groups":["Sales, EU"],"home":"/srv/a"}');
    expect((await prove({ url })).proof).toEqual({
      verdict: 'accepted',
      identity: { user: 'a-1', groups: ['Sales, EU'], home: '/srv/a' },
    });
  });

  test('in clear, on this machine', async () => {
    const url = await hook((_, response) => void response.end('{"verdict":"declined"}'), 'http');
    expect((await prove({ url })).proof).toEqual({ verdict: 'declined' });
  });
});

test('the hook reads who asks, from where, over which TLS and with which certificate, and the secret', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-hook-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const secretFile = join(folder, 'secret');
  await writeFile(secretFile, 'Bearer key\n', { mode: 0o600 });
  let read: { method: string | undefined; headers: IncomingHttpHeaders; body: unknown } | undefined;
  const url = await hook((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      read = { method: request.method, headers: request.headers, body };
      response.end('{"verdict":"declined"}');
    });
  });
  const clientCertificate = {
    fingerprint: 'f',
    publicKeyFingerprint: 'p',
    commonName: undefined,
    alternativeNames: ['email:a@b.example'],
    issuer: 'CN=CA',
    serialNumber: '1',
    validToMs: 0,
  };
  const tls = { version: 'TLSv1.3', suite: 'S', resumed: false, serverName: 'ftp.example', clientCertificate };
  const password = new Secret('p4ss "wörd" \u{1F511}');
  await prove({ url, secretFile, secretHeader: 'Authorization' }, { host: 'ftp.example', tls, password });
  expect(read?.method).toBe('POST');
  expect(read?.headers).toMatchObject({ authorization: 'Bearer key', 'content-type': 'application/json' });
  expect(read?.body).toEqual({
    user: 'alice',
    password: password.reveal(),
    address: '192.0.2.1',
    host: 'ftp.example',
    tls: {
      version: 'TLSv1.3',
      suite: 'S',
      server_name: 'ftp.example',
      client_certificate: {
        fingerprint: 'f',
        public_key: 'p',
        common_name: null,
        alternative_names: ['email:a@b.example'],
        issuer: 'CN=CA',
        serial_number: '1',
      },
    },
  });
});

describe('what may be written down', () => {
  test.each([
    ['http://hook.example/'],
    ['http://127.0.0.1.example/'],
    ['https://user:password@hook.example/'],
    ['https://hook.example/#x'],
    ['ftp://hook.example/'],
    ['hook.example'],
  ])('the URL %s may not', (url) => {
    expect(httpEntry.safeParse({ type: 'http', url }).success).toBe(false);
  });

  test.each([['Host'], ['content-length'], ['Transfer-Encoding'], ['a b'], ['x\r\ny']])(
    'the header %j may not carry the secret',
    (secretHeader) => {
      expect(httpEntry.safeParse({ type: 'http', url: 'https://hook.example/', secretHeader }).success).toBe(false);
    },
  );

  test.each([['https://hook.example/a?b=c'], ['http://127.0.0.1:8080/'], ['http://[::1]/'], ['http://localhost/']])(
    'the URL %s may',
    (url) => {
      const value = httpEntry.parse({ type: 'http', url });
      expect(httpEntry.parse(value)).toEqual(value);
    },
  );
});
