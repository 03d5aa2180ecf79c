/** Checking what was accepted: behind the reply, over and over until the gates have an answer, and held back when they never have. */
import { Fault, type FaultKind } from '../../spi/fault.ts';
import type { FileSystem, HeldFile } from '../../spi/file-system.ts';
import { checkHeld, heldDoor, openHeld } from './held-door.ts';
import type { Attempt } from './later.ts';
import type { Machine } from './machine.ts';
import type { Waiting } from './machine-parts.ts';
import { ALTERED, isUnaltered } from './same-content.ts';
import type { Intent } from './upload.ts';

/** How long what cannot be checked is tried again, from its arrival on. */
const GIVE_UP_MS = 86_400_000;

/**
 * Has the gates look at an upload, and does what they say: publishes it, holds it back or destroys it.
 *
 * @returns `again` when they could not look at it this time. @throws what storage and log say.
 */
export async function checkBehind(
  machine: Machine,
  { intent, files }: { readonly intent: Intent; readonly files: FileSystem },
  signal: AbortSignal,
): Promise<Attempt> {
  const { upload } = intent;
  const { clock, log, items } = machine.parts;
  const held = await openHeld(files, upload.path, upload.id);
  if (held === undefined) {
    log.error('intake.lost', { upload: upload.id, account: upload.account, path: upload.path });
    return 'again';
  }
  try {
    const { verdict, outcomes, reason = '' } = await checkHeld(upload, held, { ...machine.parts, signal });
    // What is aborted because the gateway closes says nothing of the file.
    if (signal.aborted) return 'again';
    items.update(upload.id, { gates: outcomes });
    const waiting = { intent, files, door: heldDoor(held, files, upload), outcomes };
    if (verdict === 'pass') await publish(machine, waiting, held);
    else if (verdict === 'refuse' && upload.onRefused === 'destroy') await machine.reject(waiting, reason);
    else if (verdict === 'refuse') await machine.quarantine(waiting, reason);
    else if (clock.now() - intent.sinceMs < GIVE_UP_MS) return 'again';
    else await machine.quarantine(waiting, `no gate's answer within 24 hours; ${reason}`);
    return 'done';
  } finally {
    await held.close();
  }
}

/** Its client has been told that it is accepted: when there is no name for it, an operator finds one. */
async function publish(machine: Machine, waiting: Waiting, held: HeldFile): Promise<void> {
  const { upload } = waiting.intent;
  if (!(await isUnaltered(held, upload))) {
    machine.parts.log.error('intake.altered', { upload: upload.id, account: upload.account, path: upload.path });
    await machine.quarantine(waiting, ALTERED);
    return;
  }
  let name: Awaited<ReturnType<Machine['choose']>>;
  try {
    name = await machine.choose(waiting);
  } catch (error) {
    if (!(error instanceof Fault) || !NAME_TAKEN.has(error.kind)) throw error;
    await machine.quarantine(waiting, `it has passed, and cannot have its name: ${error.kind}`);
    return;
  }
  using chosen = name;
  const newer = machine.overtaken.get(upload.id);
  if (newer !== undefined) {
    await machine.quarantine(waiting, `it has passed, and a newer upload of its name was published before: ${newer}`);
    return;
  }
  await machine.publish(waiting, chosen);
}

const NAME_TAKEN: ReadonlySet<FaultKind> = new Set(['FileExists', 'NotAFile']);
