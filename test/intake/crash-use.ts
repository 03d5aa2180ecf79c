/** A session of the process that is killed; it imports nothing of the test runner. */
import { loggedInAs, newSession } from '../../src/engine/apply-change.ts';
import type { IntakeUse } from '../../src/intake/doors/upload.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';

/** The partner, who stores. */
export function useOf(files: FileSystem): IntakeUse {
  const account: Account = {
    ...{ name: 'partner', permissions: new Set(), directories: [], files },
    ...{ existing: 'replace', onIncomplete: 'keep' },
  };
  const session = newSession({
    id: 'session1',
    peer: { address: '192.0.2.7', port: 50_000 },
    local: { address: '192.0.2.1', port: 21 },
  });
  return { session: loggedInAs(session, account), account, verb: 'STOR', note: () => undefined };
}
