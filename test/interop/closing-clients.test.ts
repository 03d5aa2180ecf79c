/**
 * Clients that close an upload's socket at once: whatever the server had sent them behind the handshake, over TLS 1.3, would
 * turn that close into a reset and cut the upload. Not one of them may be cut, and not one that was cut may be taken for whole.
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
/** Of the one kind that is most in danger, always so many: over a few sessions side by side, so that it takes seconds. */
const UNREAD_TIMES = 300;
const SESSIONS = 4;
/** Of each other kind. `CLOSING_UPLOADS=300 vitest run test/interop/closing-clients.test.ts` is the long run. */
const TIMES = Number(process.env.CLOSING_UPLOADS ?? 20);
const TIMEOUT_MS = 30_000 + TIMES * 2_000;

interface Uploads {
  readonly ending: 'polite' | 'alert' | 'curl' | 'bare' | 'unread';
  readonly times: number;
  readonly version?: 'TLSv1_2' | 'TLSv1_3';
  readonly resumes?: boolean;
  /** What the file is called on the server; sessions side by side must not be in each other's way. */
  readonly name?: string;
}

async function closingUploads(
  gateway: TestGateway,
  { version = 'TLSv1_3', resumes = false, name = 'a.bin', ...uploads }: Uploads,
) {
  const { host, port, user, password, certificates } = gateway;
  const file = join(await temporaryFolder(), 'file');
  const sent = await writeBytes(file, FILE_BYTES);
  const order = { host, port, user, password, ca: certificates.files.caCert, file, version, resumes, name, ...uploads };
  const ran = await run('python3', [join(import.meta.dirname, 'clients/closing_client.py')], {
    input: JSON.stringify(order),
    timeoutMs: TIMEOUT_MS,
  });
  expect(ran.stderr).toBe('');
  const replies: string[] = JSON.parse(ran.stdout);
  expect(replies).toHaveLength(uploads.times);
  return { sent, replies };
}

test.each(['TLSv1_2', 'TLSv1_3'] as const)(
  'a client that closes without close_notify is told so every time, and nothing is published (%s)',
  async (version) => {
    const gateway = await startGateway({}, { sessionReuse: 'preferred', onIncomplete: 'remove' });
    const { replies } = await closingUploads(gateway, { ending: 'bare', times: TIMES, version });
    expect(replies.filter((reply) => !/^426 .*close_notify/.test(reply))).toEqual([]);
    expect(readdirSync(gateway.home)).toEqual([]);
  },
  TIMEOUT_MS,
);

test.each([
  ['waits for the server with unwrap()', { ending: 'polite' }, {}],
  ['sends close_notify and waits for nothing', { ending: 'alert' }, {}],
  ['reads once and closes, as curl does', { ending: 'curl', resumes: true }, { sessionReuse: 'required' }],
  ['sends close_notify and waits for nothing over TLS 1.2', { ending: 'alert', version: 'TLSv1_2' }, {}],
  ['resumes the session and closes', { ending: 'alert', resumes: true }, { sessionReuse: 'required' }],
  ['sends no close_notify, with close_notify: off', { ending: 'bare' }, { closeNotify: 'off' }],
] as const)(
  `${TIMES} uploads of 3 MB by a Python client that %s are all whole`,
  async (_, uploads, user) => {
    const gateway = await startGateway({}, { sessionReuse: 'preferred', ...user });
    const { sent, replies } = await closingUploads(gateway, { ...uploads, times: TIMES });
    expect(replies.filter((reply) => reply !== `226 Stored ${FILE_BYTES} bytes, SHA-256 ${sent}.`)).toEqual([]);
    expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
  },
  TIMEOUT_MS,
);

test(
  `${UNREAD_TIMES} uploads of 3 MB by a client that reads nothing behind the handshake and closes at once are all whole`,
  async () => {
    const gateway = await startGateway({}, { sessionReuse: 'preferred' });
    const names = Array.from({ length: SESSIONS }, (_, index) => `${index}.bin`);
    const times = UNREAD_TIMES / SESSIONS;
    const sessions = await Promise.all(names.map((name) => closingUploads(gateway, { ending: 'unread', times, name })));
    for (const [index, { sent, replies }] of sessions.entries()) {
      expect(replies.filter((reply) => reply !== `226 Stored ${FILE_BYTES} bytes, SHA-256 ${sent}.`)).toEqual([]);
      expect(await sha256Of(join(gateway.home, `${index}.bin`))).toBe(sent);
    }
  },
  TIMEOUT_MS + UNREAD_TIMES * 500,
);
