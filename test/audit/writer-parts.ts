/** What the writing process shares with the tests: keys and records. */
import { createHash, createPrivateKey } from 'node:crypto';
import { type LogSigner, signerOf } from '../../src/audit/notes/log-key.ts';
import type { AuditRecord, AuditValue } from '../../src/spi/audit.ts';

/** The name of the log in these tests. */
export const ORIGIN = 'gateway.example/audit';

/** A key that is always the same for the same word. */
export function keyFrom(word: string) {
  const seed = createHash('sha256').update(word).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** Who signs for the log. */
export const SIGNER: LogSigner = signerOf(keyFrom('log'), ORIGIN);

/** A record of which only its object matters. */
export function recordOf(
  object: { readonly [key: string]: AuditValue },
  parts: Partial<AuditRecord> = {},
): AuditRecord {
  return { event: 'file.deleted', result: 'success', who: { account: 'alice' }, origin: {}, object, ...parts };
}
