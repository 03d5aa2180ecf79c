/** What the tests of the machine between the doors share: an intake over memory or a disk, uploads, and gates that wait to be told. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { loggedInAs, newSession } from '../../src/engine/apply-change.ts';
import { Intake, type IntakeParts } from '../../src/intake/intake.ts';
import { type IntakeOptions, intakeDirective, intakeOptions } from '../../src/intake/intake-directive.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { Directive } from '../../src/spi/directive.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, StagedWrite, StageRequest } from '../../src/spi/file-system.ts';
import { defineGate, type Gate, type GateItem, type GateVerdict } from '../../src/spi/gate.ts';
import type { Arrival } from '../../src/spi/intake.ts';
import type { Session } from '../../src/spi/session.ts';
import type { Settings } from '../../src/spi/settings.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';

const folders: string[] = [];
const intakes: Intake[] = [];

afterEach(async () => {
  for (const intake of intakes.splice(0)) await intake.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder for one test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-intake-'));
  folders.push(folder);
  return folder;
}

/** A path of a test. */
export function path(text: string): VirtualPath {
  const found = resolvePath(ROOT, text);
  if (found === undefined) throw new Error(`no path: ${text}`);
  return found;
}

/** Receipts in memory. */
export class MemoryReceipts {
  readonly written: { account: string; path: VirtualPath; index: number; text: string }[] = [];
  failure: Error | undefined;

  async write(account: string, of: VirtualPath, index: number, text: string): Promise<VirtualPath> {
    if (this.failure !== undefined) throw this.failure;
    this.written.push({ account, path: of, index, text });
    return path(`/.receipts${of}.${index}.receipt`);
  }
}

/** One gateway's doors, as a test sees them. */
export interface Doors {
  readonly intake: Intake;
  readonly files: MemoryFiles;
  readonly audit: MemoryAuditLog;
  readonly receipts: MemoryReceipts;
  readonly log: RecordingLog;
  readonly directory: string;
  readonly notes: Record<string, unknown>;
  /** The account's files behind the doors. */
  readonly behind: FileSystem;
  /** The parts of it, for a second process that finds what this one left. */
  readonly parts: IntakeParts;
}

/** What a test chooses. */
export interface DoorsOptions extends Partial<Omit<IntakeParts, 'gates'>> {
  readonly intake?: Partial<IntakeOptions>;
  readonly gates?: readonly Gate[];
  readonly storage?: FileSystem;
}

/** Opens doors in front of memory; what is not chosen is as it is where nothing is said. */
export async function openDoors(options: DoorsOptions = {}): Promise<Doors> {
  const { intake: said = {}, gates = [], storage, ...chosen } = options;
  const files = new MemoryFiles();
  const clock = chosen.clock ?? systemClock;
  const audit = memoryAuditLog(clock);
  const receipts = new MemoryReceipts();
  const log = new RecordingLog();
  const directory = chosen.directory ?? makeFolder();
  const parts: IntakeParts = {
    ...{ directory, audit, auditRequired: true, clock, log, receipts },
    gates: new Map(gates.map((gate) => [gate.name, gate])),
    settings: () => settingsWith(said),
    filesOf: async () => storage ?? files,
    ...chosen,
  };
  const intake = await startIntake(parts);
  const notes: Record<string, unknown> = {};
  const behind = intake.files(storage ?? files, use(notes, storage ?? files));
  return { intake, files, audit, receipts, log, directory, notes, behind, parts };
}

/** A process with these parts: what an earlier one left is settled when it begins. */
export async function startIntake(parts: IntakeParts): Promise<Intake> {
  const intake = new Intake(parts);
  intakes.push(intake);
  await intake.start();
  return intake;
}

/** Settings in which every directory says this of intake, and nothing of anything else. */
export function settingsWith(said: Partial<IntakeOptions>): Settings {
  const value = intakeOptions.parse(said);
  const amount = <Value>(directive: Directive<Value>): Value =>
    directive.name === intakeDirective.name ? directive.schema.parse(value) : directive.initial;
  return { inSession: (directive) => amount(directive), atDirectory: async (directive) => amount(directive) };
}

/** The account of tests. */
export function accountWith(files: FileSystem): Account {
  return { name: 'partner', permissions: new Set(), directories: [], files, existing: 'replace', onIncomplete: 'keep' };
}

/** A session that has logged in over TLS. */
export function sessionOf(files: FileSystem): Session {
  const session = newSession({
    id: 'session1',
    peer: { address: '192.0.2.7', port: 50_000 },
    local: { address: '192.0.2.1', port: 21 },
  });
  return { ...loggedInAs(session, accountWith(files)), controlTls: TLS };
}

/** What the test's client negotiated. */
export const TLS = {
  version: 'TLSv1.3',
  suite: 'TLS_AES_256_GCM_SHA384',
  group: 'X25519MLKEM768',
  resumed: false,
} as const;

/** The command of tests: STOR. */
export function use(notes: Record<string, unknown>, files: FileSystem) {
  const session = sessionOf(files);
  return {
    ...{ session, account: accountWith(files), verb: 'STOR' },
    note: (fields: Readonly<Record<string, unknown>>) => void Object.assign(notes, fields),
  };
}

/** What is known of bytes that have arrived. */
export function arrivalOf(text: string | Buffer): Arrival {
  const bytes = Buffer.from(text);
  return {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    startedMs: Date.UTC(2026, 0, 1),
    data: { tls: { ...TLS, resumed: true }, end: 'authenticated' },
  };
}

/** Uploads as a command does: whatever goes wrong ends in abort. */
export async function upload(
  files: FileSystem,
  to: string,
  text: string | Buffer,
  request: StageRequest = { from: 'empty', existing: 'replace' },
): Promise<StagedWrite> {
  const staged = await files.stage(path(to), request);
  try {
    await staged.write([Buffer.from(text)]);
    await staged.commit(arrivalOf(text));
    return staged;
  } catch (error) {
    await staged.abort('keep');
    throw error;
  }
}

/** The kind of the fault that it ends with. */
export async function faultOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'none';
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

/** A gate that says this of everything, with the items that it was shown. */
export function gateSaying(name: string, verdict: GateVerdict | Error): Gate & { readonly seen: GateItem[] } {
  const seen: GateItem[] = [];
  const gate = defineGate({
    name,
    deadlineMs: 60_000,
    async inspect(item) {
      seen.push(item);
      if (verdict instanceof Error) throw verdict;
      return verdict;
    },
  });
  return { ...gate, seen };
}

/** A gate that answers when the test says so, and tells when it has been asked and when it was aborted. */
export function gateWaiting(name: string, deadlineMs = 60_000) {
  const asked = Promise.withResolvers<GateItem>();
  const answer = Promise.withResolvers<GateVerdict>();
  const aborted = Promise.withResolvers<void>();
  const gate = defineGate({
    name,
    deadlineMs,
    inspect(item, signal) {
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      asked.resolve(item);
      return answer.promise;
    },
  });
  return { gate, asked: asked.promise, answer: answer.resolve, aborted: aborted.promise };
}

/** Waits until something holds, by asking again in later turns of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
