/** The gate to ClamAV against Debian's clamd, with a signature database of the test's own. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client } from 'basic-ftp';
import { describe, expect, vi } from 'vitest';
import { clamdEntry, clamdGate } from '../../src/intake/gates/clamd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { needs } from '../fixtures/client-programs.ts';
import { ask, itemOf, manyBytes } from '../fixtures/gate-item.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { MARKER, type Scanner, SIGNATURE, startClamd } from '../fixtures/scanners.ts';

vi.setConfig({ testTimeout: 90_000 });

process.env.PATH += ':/usr/sbin:/sbin';
const test = needs('clamd');

/** What clamd of these tests takes at most; clamd.conf knows K and M. */
const STREAM_BYTES_MAX = 4_194_304;

let clamd: Promise<Scanner & { socket: string; port: number }> | undefined;
const running = () => {
  clamd ??= startClamd(['StreamMaxLength 4M', 'AlertExceedsMax yes']);
  return clamd;
};

const gateOf = (written: Record<string, unknown>) =>
  clamdGate(clamdEntry.parse({ kind: 'clamd', name: 'av', ...written }), { clock: systemClock });

const found = { verdict: 'refuse', reason: SIGNATURE };

describe.each([['a Unix socket'], ['TCP']])('over %s', (way) => {
  const gate = async (written: Record<string, unknown> = {}) => {
    const { socket, port } = await running();
    return gateOf(way === 'TCP' ? { host: '127.0.0.1', port, ...written } : { socket, ...written });
  };

  test('what the signature knows is refused, wherever it stands, and in however many chunks', async () => {
    const text = `${'x'.repeat(100_000)}${MARKER}${'y'.repeat(1_000)}`;
    expect(await ask(await gate(), itemOf(text))).toEqual(found);
    expect(await ask(await gate({ chunkBytes: 1_024 }), itemOf(text))).toEqual(found);
    expect(await ask(await gate(), itemOf([...text].map((letter) => Buffer.from(letter)).slice(99_000)))).toEqual(
      found,
    );
  });

  test('everything else passes, an empty file too', async () => {
    expect(await ask(await gate(), itemOf('hello'))).toEqual({ verdict: 'pass' });
    expect(await ask(await gate(), itemOf(''))).toEqual({ verdict: 'pass' });
    expect(await ask(await gate(), itemOf(manyBytes(STREAM_BYTES_MAX - 1)))).toEqual({ verdict: 'pass' });
  });

  test('a file beyond StreamMaxLength could not be checked, which is no pass', async () => {
    const item = itemOf([...manyBytes(STREAM_BYTES_MAX), ...manyBytes(20_000_000)]);
    // The words may be lost with the connection that clamd closes.
    await expect(ask(await gate(), item)).rejects.toThrow(/size limit exceeded|see StreamMaxLength/);
    expect(item.read.left).toBe(true);
  });

  test('many at a time each have their own answer', async () => {
    const one = await gate({ parallelMax: 4 });
    const verdicts = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        ask(one, itemOf(index % 2 === 0 ? `clean ${index}` : `${MARKER}${index}`)),
      ),
    );
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(verdicts.map((_, index) => (index % 2 ? 'refuse' : 'pass')));
  });
});

test('a clamd that has ended is a failure, and one that is there again is asked again', async () => {
  const other = await startClamd();
  const gate = gateOf({ socket: other.socket });
  expect((await ask(gate, itemOf('hello'))).verdict).toBe('pass');
  await other.stop();
  await expect(ask(gate, itemOf('hello'))).rejects.toThrow(/ENOENT|ECONNREFUSED/);
});

test('beyond MaxFileSize clamd says OK of what it has not looked at, unless it is told not to', async () => {
  const content = [...manyBytes(2_000_000), Buffer.from(MARKER)];
  const sizes = ['StreamMaxLength 8M', 'MaxFileSize 1M'];
  const trusting = await startClamd(sizes);
  expect(await ask(gateOf({ socket: trusting.socket }), itemOf(content))).toEqual({ verdict: 'pass' });
  const strict = await startClamd([...sizes, 'AlertExceedsMax yes']);
  expect(await ask(gateOf({ socket: strict.socket }), itemOf(content))).toMatchObject({
    verdict: 'refuse',
    reason: expect.stringContaining('Limits.Exceeded'),
  });
});

test('an upload to a gateway: published, refused, or not checked', async () => {
  const own = await startClamd();
  const folder = await temporaryFolder();
  const gateway = await startGateway({
    stateDirectory: folder,
    gates: [{ kind: 'clamd', name: 'antivirus', socket: own.socket }],
    directories: [{ path: '/in', recursive: true, intake: { gates: ['antivirus'], onRefused: 'destroy' } }],
  });
  await mkdir(join(gateway.home, 'in'));
  const client = new Client(20_000);
  await client.access({
    ...{ host: gateway.host, port: gateway.port, user: gateway.user, password: gateway.password },
    ...{ secure: true, secureOptions: { ca: gateway.certificates.caCert, servername: 'localhost' } },
  });
  try {
    const put = (name: string, text: string) => client.uploadFrom(Readable.from([text]), name);
    await put('in/clean.txt', 'hello');
    await put('marked.txt', MARKER);
    await expect(put('in/marked.txt', `x${MARKER}`)).rejects.toThrow(/^550/);
    await own.stop();
    await expect(put('in/later.txt', 'hello')).rejects.toThrow(/^451/);
    const names = (await readdir(join(gateway.home, 'in'))).filter((name) => !name.startsWith('.'));
    expect(names).toEqual(['clean.txt']);
  } finally {
    client.close();
  }
});
