/** Sends one line to the table of commands and tells all that came of it. */
import { COMMANDS } from '../../src/commands/all.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { formatReply } from '../../src/protocol/reply.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { CommandContext, Outcome, Policy } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import { permissionsAt } from '../../src/spi/permissions.ts';
import type { Session, SessionChange } from '../../src/spi/session.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { FakeDataPort, TLS } from './data-channel.ts';
import { MemoryFiles } from './memory-files.ts';

/** What a test may set up; the rest is a member over TLS with every permission, PROT P and TYPE I. */
export interface Scene {
  readonly session?: Partial<Session>;
  readonly account?: Partial<Account>;
  readonly files?: MemoryFiles;
  readonly data?: FakeDataPort;
  readonly context?: Partial<CommandContext>;
}

/** What came of a line. */
export interface Answer {
  /** The final reply as it goes over the wire. */
  readonly text: string;
  readonly code: number;
  readonly change: SessionChange | undefined;
  /** Preliminary replies. */
  readonly marks: readonly string[];
  readonly notes: Readonly<Record<string, unknown>>;
}

/** A path, for tests that know what one looks like. */
export function at(path: string): VirtualPath {
  return path as VirtualPath;
}

/** The policy of a gateway that offers MODE Z. */
export const WITH_MODE_Z: Policy = { ...contextWith({}).policy, modeZ: true };

/** A member with every permission. */
export function member(parts: Partial<Account> = {}): Account {
  return {
    name: 'alice',
    files: new MemoryFiles(),
    permissions: new Set(['e', 'l', 'r', 'a', 'd', 'f', 'm', 'w', 'M', 'T'] as const),
    directories: [],
    existing: 'replace',
    onIncomplete: 'keep',
    ...parts,
  };
}

/** Sends `VERB argument`. Faults become replies; anything else that is thrown is thrown on. */
export async function say(line: string, scene: Scene = {}): Promise<Answer> {
  const [, verb = '', argument = ''] = /^(\S+)(?: (.*))?$/s.exec(line) ?? [];
  const command = COMMANDS.find((one) => one.verb === verb || one.aliases?.includes(verb));
  if (command === undefined) throw new Error(`no such command: ${verb}`);
  const marks: string[] = [];
  const notes: Record<string, unknown> = {};
  const context = contextFor(scene, marks, notes);
  const { reply, change } = await command.run({ ...context, verb }, argument).catch((error: unknown): Outcome => {
    if (!(error instanceof Fault)) throw error;
    return { reply: { code: error.code, lines: [error.text] } };
  });
  return { text: formatReply(reply).trimEnd(), code: reply.code, change, marks, notes };
}

function contextFor(scene: Scene, marks: string[], notes: Record<string, unknown>): CommandContext {
  const files = scene.files ?? new MemoryFiles();
  const account = member({ files, ...scene.account });
  const base = contextWith({});
  const session: Session = {
    ...base.session,
    login: { state: 'LoggedIn', account },
    controlTls: TLS,
    pbszSeen: true,
    protection: 'P',
    type: 'I',
    ...scene.session,
  };
  const loggedIn = () => {
    if (session.login.state !== 'LoggedIn') throw new Fault('NotLoggedIn');
    return session.login.account;
  };
  return contextWith({
    session,
    clock: new FakeClock(),
    data: scene.data ?? new FakeDataPort(),
    commands: COMMANDS,
    account: loggedIn,
    lettersAt: async (directory) => permissionsAt(loggedIn(), directory),
    files: () => loggedIn().files,
    mark: (mark) => marks.push(formatReply(mark).trimEnd()),
    note: (fields) => Object.assign(notes, fields),
    ...scene.context,
  });
}
