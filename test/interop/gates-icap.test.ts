/** The gate to ICAP servers against Debian's c-icap and its echo service. */
import { expect, vi } from 'vitest';
import { icapEntry, icapGate } from '../../src/intake/gates/icap.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { needs } from '../fixtures/client-programs.ts';
import { ask, itemOf, manyBytes } from '../fixtures/gate-item.ts';
import { startCicap } from '../fixtures/scanners.ts';

vi.setConfig({ testTimeout: 90_000 });

const test = needs('c-icap');

const gateTo = (port: number, written: Record<string, unknown> = {}) => {
  const url = `icap://127.0.0.1:${port}/echo`;
  return icapGate(icapEntry.parse({ kind: 'icap', name: 'scanner', url, ...written }), { clock: systemClock });
};

/** Sizes around the preview of 1,024 bytes that the echo service asks for, and one that fills every buffer. */
const SIZES = [0, 1, 1_023, 1_024, 1_025, 5_000, 200_000, 8_000_001];

test('a service that is not there is a failure', async () => {
  const { port } = await startCicap();
  const gate = gateTo(port, { url: `icap://127.0.0.1:${port}/nowhere` });
  await expect(ask(gate, itemOf('hello'))).rejects.toThrow(/answered 404 to OPTIONS/);
});

test.each([['respmod'], ['reqmod']])('files that come back as they are pass (%s)', async (method) => {
  const { port } = await startCicap();
  const gate = gateTo(port, { method, preview: false });
  for (const size of SIZES) {
    const item = itemOf(manyBytes(size));
    expect(await ask(gate, item), `${size} bytes`).toEqual({ verdict: 'pass' });
    expect(item.read.bytes).toBe(size);
  }
});

test.each([['respmod'], ['reqmod']])('a service that is content with the preview gets no more (%s)', async (method) => {
  const { port } = await startCicap();
  const gate = gateTo(port, { method });
  for (const size of SIZES) {
    const [one, other] = [itemOf(manyBytes(size)), itemOf(manyBytes(size))];
    expect(await ask(gate, one), `${size} bytes`).toEqual({ verdict: 'pass' });
    expect(await ask(gate, other), `${size} bytes`).toEqual({ verdict: 'pass' });
    // The first comes back, and with the second the service is content.
    expect([one.read.bytes, other.read.bytes]).toEqual([size, Math.min(size, 65_536)]);
  }
});

test('many at a time', async () => {
  const { port } = await startCicap();
  const gate = gateTo(port, { parallelMax: 4 });
  const sizes = Array.from({ length: 20 }, (_, index) => index * 700);
  const verdicts = await Promise.all(sizes.map((size) => ask(gate, itemOf(manyBytes(size)))));
  expect(verdicts.every(({ verdict }) => verdict === 'pass')).toBe(true);
});
