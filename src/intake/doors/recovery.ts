/**
 * What happens to uploads between the doors when the gateway starts, before anybody can send one: each intent that is found is
 * settled, and so is what the log says was published and may not have its name yet.
 */
import type { AuditLog } from '../../spi/audit.ts';
import type { FileSystem } from '../../spi/file-system.ts';
import { openHeld } from './held-door.ts';
import { type Spoken, spokenSince } from './log-reading.ts';
import type { Machine } from './machine.ts';
import { ALTERED, isUnaltered } from './same-content.ts';
import type { Settling } from './settling.ts';
import type { Intent } from './upload.ts';

/**
 * Settles everything that earlier processes left. What cannot be reached is logged and tried again while the gateway runs:
 * one account's disk must not keep all others out.
 *
 * @throws what the folder of the intents says, and the log when it cannot be read.
 */
export async function recover(machine: Machine, settling: Settling): Promise<void> {
  const { intents: folder, audit, log } = machine.parts;
  await folder.adoptAll();
  const { intents, broken } = await folder.readAll();
  for (const id of broken) log.error('intake.intent_broken', { upload: id });
  for (const intent of intents) takeUp(machine, intent);
  if (audit?.failure !== undefined) {
    // Only where the gateway may go on without its log: what that says decides, so it is waited for.
    for (const { upload } of intents) settling.doubt(upload.id, undefined);
    return;
  }
  const from = await beginningOf(machine, intents);
  const spoken = audit === undefined ? new Map<string, Spoken>() : await spokenSince(audit, from);
  noteOvertaken(machine, intents, spoken);
  const rest: (() => void)[] = [];
  for (const intent of intents) {
    rest.push(await settleOne(machine, settling, { intent, spoken: spoken.get(intent.upload.id) }));
  }
  await publishOrphans(machine, spoken, new Set(intents.map(({ upload }) => upload.id)));
  // Last: what is published from here on chooses its name, and must not choose one that is recorded for another upload.
  for (const begin of rest) begin();
  await machine.sweep('synced');
}

/** From which record on the log may speak of something that is not settled. */
async function beginningOf(
  { parts: { intents: folder, audit } }: Machine,
  intents: readonly Intent[],
): Promise<number> {
  const size = audit?.size ?? 0;
  // Before the first start nothing can have been lost.
  const swept = (await folder.sweptTo()) ?? size;
  return Math.min(size, swept, ...intents.map(({ logSize }) => logSize));
}

/**
 * Takes over the uploads of a process that is gone, while others go on, and settles them: what cannot be is tried again. To be
 * called when nothing that it had recorded is still on its way into the log. @throws the system's error.
 */
export async function takeOver(machine: Machine, settling: Settling, worker: string): Promise<void> {
  const { intents: folder, audit } = machine.parts;
  const intents = await folder.adopt(worker, (intent) => takeUp(machine, intent));
  const spoken = await spokenOfAll(audit, intents);
  if (spoken === undefined) {
    for (const { upload } of intents) settling.doubt(upload.id, undefined);
    return;
  }
  noteOvertaken(machine, intents, spoken);
  for (const intent of intents) {
    const begin = await settleOne(machine, settling, { intent, spoken: spoken.get(intent.upload.id) });
    begin();
  }
}

/**
 * Goes on with an upload that another process has let go of, which goes on itself. @throws the system's error; then it is still
 * the other's.
 */
export async function takeIn(
  machine: Machine,
  settling: Settling,
  { worker, id }: { readonly worker: string; readonly id: string },
): Promise<void> {
  const { intents: folder, audit } = machine.parts;
  const intent = await folder.adoptOne(worker, id, (met) => takeUp(machine, met));
  // It has been taken in already.
  if (intent === undefined || (intent.state === 'quarantined' && intent.recorded === true)) return;
  const spoken = intent.state === 'checking' ? await spokenOfAll(audit, [intent]) : undefined;
  if (spoken === undefined) {
    settling.doubt(id, undefined);
    return;
  }
  // A newer one may have been published before this one was known here.
  noteOvertaken(machine, [intent], spoken);
  settling.check(id, undefined);
}

/** What the log says of uploads since the first of them was written down; undefined when it cannot be asked now. */
async function spokenOfAll(
  audit: AuditLog | undefined,
  intents: readonly Intent[],
): Promise<ReadonlyMap<string, Spoken> | undefined> {
  if (audit === undefined || intents.length === 0) return new Map();
  if (audit.failure !== undefined) return undefined;
  const from = Math.min(audit.size, ...intents.map(({ logSize }) => logSize));
  return spokenSince(audit, from).catch(() => undefined);
}

function takeUp({ open, parts: { items } }: Machine, intent: Intent): void {
  const { upload, state, sinceMs, reason, outcomes } = intent;
  const { id, account, path, bytes, sha256 } = upload;
  open.set(id, intent);
  items.add({
    ...{ id, account, path, bytes, sha256, sinceMs, reason },
    state: state === 'quarantined' ? 'quarantined' : 'checking',
    gates: outcomes.map((outcome) => ({ ...outcome, detail: outcome.detail })),
  });
}

/** Behind a restart the log alone knows of newer uploads that were published while older ones of their name waited. */
function noteOvertaken(machine: Machine, intents: readonly Intent[], spoken: ReadonlyMap<string, Spoken>): void {
  for (const { state, upload } of intents) {
    if (state !== 'checking' || upload.collision !== 'replace') continue;
    for (const { event, upload: id, account, path, arrivedMs = 0 } of spoken.values()) {
      const isOfItsName = event === 'upload.published' && account === upload.account && path === upload.path;
      if (isOfItsName && id !== upload.id && arrivedMs > upload.arrivedMs) machine.overtaken.set(upload.id, id);
    }
  }
}

/** @returns what begins what is left to do behind the start. */
async function settleOne(
  { parts: { log } }: Machine,
  settling: Settling,
  { intent, spoken }: { readonly intent: Intent; readonly spoken: Spoken | undefined },
): Promise<() => void> {
  const { id } = intent.upload;
  try {
    const looked = await settling.settle(intent, spoken);
    if (looked === 'check') return () => settling.check(id, undefined);
    return looked === 'again' ? () => settling.doubt(id, undefined) : () => undefined;
  } catch (error) {
    log.error('intake.recovery_failed', { upload: id, account: intent.upload.account, error });
    return () => settling.doubt(id, undefined);
  }
}

/** A power loss may take an intent that was not synced; the log, which was, says what was to be published. */
async function publishOrphans(
  machine: Machine,
  spoken: ReadonlyMap<string, Spoken>,
  known: ReadonlySet<string>,
): Promise<void> {
  const { log, filesOf, intents: folder } = machine.parts;
  const reached = new Map<string, FileSystem | undefined>();
  for (const one of spoken.values()) {
    const { upload, account, asked, path } = one;
    if (one.event !== 'upload.published' || account === undefined || known.has(upload)) continue;
    try {
      if (!reached.has(account)) reached.set(account, await filesOf(account, folder.roots.of(account)));
      await publishOrphan(machine, reached.get(account), { ...one, account });
    } catch (error) {
      log.error('intake.recovery_failed', { upload, account, path, asked, error });
    }
  }
}

async function publishOrphan(
  machine: Machine,
  files: FileSystem | undefined,
  orphan: Spoken & { readonly account: string },
): Promise<void> {
  const { upload: id, account, asked, path, replaced, receipts, index, content } = orphan;
  if (files?.held === undefined || !/^[0-9a-f]{24}$/.test(id)) return;
  const held = await openHeld(files, asked, id);
  if (held === undefined) return;
  try {
    if (content === undefined || !(await isUnaltered(held, content))) {
      machine.parts.log.error('intake.altered', { upload: id, account, path });
      const record = {
        event: 'upload.refused',
        result: 'failure',
        who: { account },
        origin: { program: 'gateway' },
      } as const;
      await machine.record({ ...record, object: { upload: id, path }, reason: ALTERED });
      await held.destroy();
      return;
    }
    await held.publish(path, replaced ? 'replace' : 'keep');
  } finally {
    await held.close();
  }
  machine.parts.log.warn('intake.recovered', { upload: id, account, path, said: 'upload.published', came: 'orphan' });
  await machine.finish({ id, account, receipts }, { path, index });
}
