/** `sallyport audit cosign`: hands a witness's cosignatures to the log; through the gateway while it runs, for a log has one writer. */
import { stat } from 'node:fs/promises';
import { openAuditLog } from '../audit/audit-log.ts';
import { LogDamaged } from '../audit/damage.ts';
import { readOrMakeLogKey } from '../audit/notes/log-key.ts';
import { NoteRefused } from '../audit/notes/signed-note.ts';
import { isLog } from '../audit/verifying/read-log.ts';
import { LogLocked } from '../audit/writing/lock.ts';
import type { GatewayOptions } from '../config/options.ts';
import { systemClock } from '../lib/clock.ts';
import { auditOrigin } from '../server/audit.ts';
import { silentLog } from '../spi/log.ts';
import { placeIn } from './audit-place.ts';
import { CommandFailure } from './command-failure.ts';
import { requireConfiguration } from './configuration.ts';
import { askGateway, NoGateway, operatorName } from './control.ts';
import { textOf } from './log-keys.ts';
import type { Terminal } from './terminal.ts';

/** Adds the cosignatures of a checkpoint that a witness gave back. @throws CommandFailure. */
export async function cosign(file: string, { config }: { readonly config: string }, terminal: Terminal): Promise<void> {
  const note = await textOf(file);
  const { options } = await requireConfiguration(config, terminal);
  if (options.audit.witnesses.length === 0) {
    throw new CommandFailure('wrongUse', `${config} names no witness: list their keys under audit.witnesses.`);
  }
  const added = await addedTo(options, note);
  const words = added === 1 ? 'One cosignature was' : `${added} cosignatures were`;
  terminal.stdout.write(added === 0 ? 'It was known already.\n' : `${words} added.\n`);
}

async function addedTo(options: GatewayOptions, note: string): Promise<number> {
  const operator = operatorName();
  try {
    return (await askGateway(options.stateDirectory ?? '', 'audit.cosign', { note, operator })).added;
  } catch (error) {
    if (error instanceof NoGateway) return addedDirectly(options, note, operator);
    throw error;
  }
}

async function addedDirectly(options: GatewayOptions, note: string, operator: string): Promise<number> {
  const { directory, keyFile } = placeIn(options);
  const origin = auditOrigin(options);
  if (!(await isLog(directory))) throw new CommandFailure('wrongUse', `There is no audit log in ${directory}.`);
  await requireOwner(directory);
  try {
    const { checkpointMs, witnesses } = options.audit;
    const signer = readOrMakeLogKey(keyFile, origin);
    const parts = { directory, origin, signer, checkpointMs, witnesses, clock: systemClock, log: silentLog };
    const log = await openAuditLog(parts);
    try {
      const added = await log.addCosignature(note);
      await log.append({
        ...{ event: 'administration.acted', result: 'success', who: { operator }, origin: { program: 'cli' } },
        object: { act: 'audit.cosign', added },
      });
      return added;
    } finally {
      await log.close();
    }
  } catch (error) {
    if (!(error instanceof NoteRefused || error instanceof LogLocked || error instanceof LogDamaged)) throw error;
    throw new CommandFailure('failure', `${error.message}.`, { cause: error });
  }
}

/** Files that somebody else writes into the log could lock its gateway out. */
async function requireOwner(directory: string): Promise<void> {
  const { uid } = await stat(directory);
  if (process.getuid === undefined || process.getuid() === uid) return;
  const advice = 'do this as that user, or while the gateway runs';
  throw new CommandFailure('failure', `The log in ${directory} belongs to another user (${uid}): ${advice}.`);
}
