/** The doors of a gateway over a real disk, log and receipts, for a process that is killed and for the one that comes behind it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { Intake } from '../../src/intake/intake.ts';
import { intakeDirective, intakeOptions } from '../../src/intake/intake-directive.ts';
import { receiptFiles } from '../../src/intake/receipts/receipts.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import type { AuditLog } from '../../src/spi/audit.ts';
import type { Directive } from '../../src/spi/directive.ts';
import type { FileSystem, HeldFile, StagedWrite } from '../../src/spi/file-system.ts';
import type { Gate } from '../../src/spi/gate.ts';
import type { Log } from '../../src/spi/log.ts';
import { silentLog } from '../../src/spi/log.ts';
import type { Settings } from '../../src/spi/settings.ts';
import { localFiles } from '../../src/storage/local.ts';

/** What directories say, by the names of the tests. */
export const MODES = {
  replace: { collision: 'replace', gates: ['scan'] },
  version: { collision: 'version' },
  async: { collision: 'version', gates: ['scan'], verdict: 'async' },
  quarantine: { collision: 'refuse', gates: ['never'] },
  destroy: { collision: 'refuse', gates: ['never'], onRefused: 'destroy' },
} as const;

/** One of them. */
export type Mode = keyof typeof MODES;

/** Called in front of and behind everything that outlives the process. */
export type Step = (what: string) => void;

const scan: Gate = { name: 'scan', deadlineMs: 60_000, inspect: async () => ({ verdict: 'pass' }) };
const never: Gate = { name: 'never', deadlineMs: 60_000, inspect: async () => ({ verdict: 'refuse', reason: 'no' }) };

/** Opens everything in a folder, and settles what was left in it. */
export async function openGateway(folder: string, mode: Mode, { step = () => undefined, log = silentLog }: Parts = {}) {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const signer = readOrMakeLogKey(join(folder, 'audit.key'), 'test/audit');
  const opened = await openAuditLog({
    ...{ directory: join(folder, 'audit'), origin: 'test/audit', signer, clock: systemClock, log },
    checkpointMs: 60_000,
  });
  const receipts = receiptFiles({ directory: join(folder, 'receipts'), log });
  const files = steppedFiles(localFiles({ root: home, owner: 'partner' }), step);
  const write = stepped(step, 'receipt', (...words: Parameters<typeof receipts.write>) => receipts.write(...words));
  const intake = new Intake({
    ...{
      directory: join(folder, 'intake'),
      auditRequired: true,
      clock: systemClock,
      log,
      settings: () => saying(mode),
    },
    audit: steppedLog(opened, step),
    gates: new Map([scan, never].map((gate) => [gate.name, steppedGate(gate, step)])),
    receipts: { write },
    filesOf: async () => files,
  });
  await intake.start();
  const close = async () => {
    await intake.stop();
    await receipts.close();
    await opened.close();
  };
  return { home, audit: opened, intake, files, receipts, close };
}

interface Parts {
  readonly step?: Step;
  readonly log?: Log;
}

function saying(mode: Mode): Settings {
  const said = intakeOptions.parse(MODES[mode]);
  const amount = <Value>(directive: Directive<Value>): Value =>
    directive.name === intakeDirective.name ? directive.schema.parse(said) : directive.initial;
  return { inSession: (directive) => amount(directive), atDirectory: async (directive) => amount(directive) };
}

function stepped<Words extends unknown[], Result>(
  step: Step,
  what: string,
  act: (...words: Words) => Promise<Result>,
): (...words: Words) => Promise<Result> {
  return async (...words) => {
    step(`before ${what}`);
    const result = await act(...words);
    step(`behind ${what}`);
    return result;
  };
}

function steppedLog(audit: AuditLog, step: Step): AuditLog {
  return decorate(audit, { append: stepped(step, 'append', (record) => audit.append(record)) });
}

function steppedGate(gate: Gate, step: Step): Gate {
  return { ...gate, inspect: stepped(step, 'gate', (item, signal) => gate.inspect(item, signal)) };
}

function steppedFiles(files: FileSystem, step: Step): FileSystem {
  return decorate<FileSystem>(files, {
    async stage(path, request) {
      const staged = await files.stage(path, request);
      return decorate<StagedWrite>(staged, { hold: stepped(step, 'hold', async (id: string) => staged.hold?.(id)) });
    },
    held: stepped(step, 'held', async (path, id) => {
      const held = await files.held?.(path, id);
      if (held === undefined) throw new Error('local storage holds');
      return decorate<HeldFile>(held, {
        publish: stepped(step, 'publish', (to, existing) => held.publish(to, existing)),
        destroy: stepped(step, 'destroy', () => held.destroy()),
      });
    }),
  });
}
