/** Hooks that are told of published files, over a real server with a certificate of the test's authority. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Parcel, Way } from '../../src/delivery/way.ts';
import { webhook, webhookEntry } from '../../src/delivery/webhook.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { type TestCertificates, testCertificates } from '../fixtures/certificates.ts';
import { publishedRecord, uploadId } from './records.ts';
import { makeFolder, pathOf, startDeliveries, until } from './support.ts';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

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
  return `${scheme}://localhost:${typeof address === 'object' ? address?.port : 0}/published`;
}

const NOW_MS = Date.UTC(2026, 4, 6, 7, 8, 9);
const SECRET = 'the key of the hook';

async function wayTo(written: Record<string, unknown>): Promise<Way> {
  const secretFile = join(makeFolder(), 'secret');
  await writeFile(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const { caCert: caFile } = certificates.files;
  const options = webhookEntry.parse({ kind: 'webhook', name: 'out', caFile, secretFile, ...written });
  return webhook(options, { clock: new FakeClock(NOW_MS) });
}

const NEVER = new AbortController().signal;
const record = { time: '2026-05-06T07:08:08.000Z', ...publishedRecord(uploadId(1), { path: '/in/Zürich 😀.csv' }) };

const parcel: Parcel = {
  ...{ key: `${uploadId(1)}.out`, attempt: 2, record: JSON.stringify(record) },
  published: {
    ...{ index: 7, upload: uploadId(1), account: 'alice', path: pathOf('/in/Zürich 😀.csv'), inbox: '/in', bytes: 5 },
    ...{ sha256: '', storedBytes: 5, storedSha256: '', timeMs: 0, deliver: ['out'] },
  },
  receipt: async () => 'the receipt\n',
  contents: () => Promise.reject(new Error('a hook is not sent the file')),
};

describe('what is no answer of 2xx is a failure', () => {
  test.each([[301], [302], [307], [308], [400], [401], [404], [500], [503]])('status %i', async (status) => {
    let asked = 0;
    const target = await hook((_, response) => {
      asked += 1;
      response.end();
    });
    const url = await hook((request, response) => {
      request.resume();
      response.writeHead(status, { Location: target }).end();
    });
    await expect((await wayTo({ url })).handOn(parcel, NEVER)).rejects.toThrow(`the hook answered ${status}`);
    expect(asked).toBe(0);
  });

  test('a certificate of another authority, a connection that is dropped, nobody there', async () => {
    const url = await hook((_, response) => void response.end());
    const { clientCert } = certificates.files;
    await expect((await wayTo({ url, caFile: clientCert })).handOn(parcel, NEVER)).rejects.toThrow(/certificate/);
    const dropped = await hook((request) => void request.socket.destroy());
    await expect((await wayTo({ url: dropped })).handOn(parcel, NEVER)).rejects.toThrow(/hang up|ECONNRESET/);
    const nobody = await wayTo({ url: 'https://127.0.0.1:1/' });
    await expect(nobody.handOn(parcel, NEVER)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('silence, until nobody waits any more', async () => {
    const asked = Promise.withResolvers<void>();
    const way = await wayTo({ url: await hook(() => asked.resolve()) });
    const late = new AbortController();
    const handed = way.handOn(parcel, late.signal);
    await asked.promise;
    late.abort(new Error('late'));
    await expect(handed).rejects.toThrow('late');
  });

  test('a key that others can read', async () => {
    const secretFile = join(makeFolder(), 'open');
    await writeFile(secretFile, 'secret\n', { mode: 0o644 });
    const way = await wayTo({ url: await hook((_, response) => void response.end()), secretFile });
    await expect(way.handOn(parcel, NEVER)).rejects.toThrow(/chmod/);
  });
});

describe('what a hook is told', () => {
  /** A hook that has it, and what it saw. */
  async function watching(status = 200, scheme: 'http' | 'https' = 'https') {
    const seen: { headers: IncomingHttpHeaders; body: string; method: string } = { headers: {}, body: '', method: '' };
    const url = await hook(async (request, response) => {
      seen.headers = request.headers;
      seen.method = String(request.method);
      for await (const piece of request) seen.body += String(piece);
      response.writeHead(status).end(status === 204 ? undefined : 'x'.repeat(200_000));
    }, scheme);
    return { url, seen };
  }

  test('the record, signed, with the key by which it tells repeats', async () => {
    const { url, seen } = await watching();
    await (await wayTo({ url })).handOn(parcel, NEVER);
    const told = { key: parcel.key, delivery: 'out', attempt: 2, index: 7, record };
    expect(seen.method).toBe('POST');
    expect(JSON.parse(seen.body)).toEqual(JSON.parse(JSON.stringify(told)));
    const timestamp = String(NOW_MS / 1_000);
    const signature = createHmac('sha256', SECRET).update(`${timestamp}.${seen.body}`).digest('hex');
    expect(seen.headers).toMatchObject({
      'content-type': 'application/json',
      'x-sallyport-delivery': parcel.key,
      'x-sallyport-timestamp': timestamp,
      'x-sallyport-signature': `v1=${signature}`,
    });
  });

  test.each([[201], [202], [204]])('and status %i is an answer too', async (status) => {
    const { url, seen } = await watching(status);
    await (await wayTo({ url, receipt: true })).handOn(parcel, NEVER);
    expect(JSON.parse(seen.body)).toMatchObject({ receipt: 'the receipt\n' });
  });

  test('over http:// on this machine', async () => {
    const { url, seen } = await watching(200, 'http');
    await (await wayTo({ url, caFile: undefined })).handOn(parcel, NEVER);
    expect(seen.method).toBe('POST');
  });
});

test('a hook that answers 500 twice is told again, and repeats have one key', async () => {
  const keys: unknown[] = [];
  const url = await hook((request, response) => {
    keys.push(request.headers['x-sallyport-delivery']);
    request.resume();
    response.writeHead(keys.length < 3 ? 500 : 200).end();
  });
  const { publish, audit, clock } = await startDeliveries([await wayTo({ url })]);
  const upload = await publish(1);
  await until(() => audit.of('delivery.made').length === 1, { clock, stepMs: 100 });
  expect(keys).toEqual([`${upload}.out`, `${upload}.out`, `${upload}.out`]);
  expect(audit.of('delivery.made')[0]?.object).toMatchObject({ attempts: 3 });
});

test.each([
  ['http://hooks.example.com/'],
  ['https://user:secret@hooks.example.com/'],
  ['https://hooks.example.com/#a'],
  ['hooks'],
])('%s is refused', (url) => {
  const issues =
    webhookEntry.safeParse({ kind: 'webhook', name: 'hook', url, secretFile: 'secret' }).error?.issues ?? [];
  expect(issues.map(({ path }) => path[0])).toEqual(['url']);
});
