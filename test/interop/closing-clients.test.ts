/**
 * Clients that close an upload's socket at once and never read from it, over TLS 1.3: whatever the server had sent them
 * behind the handshake would turn that close into a reset and cut the upload. Not one of them may be cut.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs, run } from '../fixtures/client-programs.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';

const test = needs('python3');

const FILE_BYTES = 3_000_000;
const TIMES = 40;

async function closingUploads(
  { host, port, user, password, certificates }: TestGateway,
  ending: string,
  times: number,
) {
  const file = join(await temporaryFolder(), 'file');
  const sent = await writeBytes(file, FILE_BYTES);
  const input = JSON.stringify({ host, port, user, password, ca: certificates.files.caCert, file, ending, times });
  const ran = await run('python3', [join(import.meta.dirname, 'clients/closing_client.py')], {
    input,
    timeoutMs: 60_000,
  });
  expect(ran.stderr).toBe('');
  const replies: string[] = JSON.parse(ran.stdout);
  expect(replies).toHaveLength(times);
  return { sent, replies };
}

test('a client that closes without close_notify is told so every time, and nothing is published', async () => {
  const gateway = await startGateway({}, { sessionReuse: 'preferred', onIncomplete: 'remove' });
  const { replies } = await closingUploads(gateway, 'bare', 5);
  for (const reply of replies) expect(reply).toMatch(/^426 .*close_notify/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test.each([
  ['waits for the server with unwrap()', 'polite', {}],
  ['sends close_notify and waits for nothing', 'alert', {}],
  ['sends no close_notify, with close_notify: off', 'bare', { closeNotify: 'off' }],
] as const)(
  `${TIMES} uploads of 3 MB by a Python client that %s are all whole`,
  async (_, ending, user) => {
    const gateway = await startGateway({}, { sessionReuse: 'preferred', ...user });
    const { sent, replies } = await closingUploads(gateway, ending, TIMES);
    expect(replies.filter((reply) => reply !== `226 Stored ${FILE_BYTES} bytes, SHA-256 ${sent}.`)).toEqual([]);
    expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
  },
  60_000,
);
