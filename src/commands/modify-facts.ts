/** Changing what MLST tells of a file: MFF and MFCT (draft-somers-ftp-mfxx-03). MFMT stands with MDTM in files.ts. */

import { parseMode } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import { formatTimeVal, parseTimeVal } from '../protocol/time.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { asciiUpper } from '../protocol/words.ts';
import { PATH } from '../spi/argument.ts';
import { defineCommand } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { mayChange, type PermissionLetter } from '../spi/permissions.ts';
import type { Session } from '../spi/session.ts';

/**
 * MFF: sets several facts. Names, values and permissions of all are checked before one is changed; what storage then
 * fails at may leave some changed, as the draft says a client must expect.
 */
const mff = defineCommand({
  verb: 'MFF',
  class: 'write',
  who: 'members',
  rfc: 'draft-somers-ftp-mfxx-03 section 5',
  permissions: ['T for Create and Modify', 'M for UNIX.mode'],
  feat: (session) => `MFF ${setsCreated(session) ? 'Create;' : ''}Modify;UNIX.mode;`,
  note: 'Create only where storage can set it, which local disks cannot; any other fact is 504.',

  argument: {
    syntax: 'Modify=YYYYMMDDHHMMSS;UNIX.mode=mode; path',
    parts: ['word', 'path'],
    required: 2,
    parse(text, session) {
      const [, list = '', name = ''] = /^(\S+;) (.+)$/.exec(text) ?? [];
      return { facts: parseFacts(list), target: PATH.parse(name, session), name };
    },
  },

  async handle(context, { facts, target, name }) {
    context.note({ path: target });
    const files = context.files();
    const known = new Set(settable(files).map(({ fact }) => asciiUpper(fact)));
    const unknown = [...facts].flatMap(([key, { name }]) => (known.has(key) ? [] : [name]));
    if (unknown.length > 0) throw new Fault('Parameter', { text: `Cannot be set: ${unknown.join(', ')}.` });
    const changes = settable(files).flatMap(({ fact, letter, read }) => {
      const given = facts.get(asciiUpper(fact));
      return given === undefined ? [] : [{ fact, letter, ...read(given.value) }];
    });
    for (const { letter } of changes) {
      if (!mayChange(context.account(), letter, target)) throw new Fault('PermissionDenied');
    }
    for (const { apply } of changes) await apply(files, target);
    return { reply: reply(213, `${changes.map(({ fact, set }) => `${fact}=${set};`).join('')} ${name}`) };
  },
});

/** MFCT: sets when a file was made. */
const mfct = defineCommand({
  verb: 'MFCT',
  class: 'write',
  who: 'members',
  rfc: 'draft-somers-ftp-mfxx-03 section 4',
  permissions: ['T'],
  feat: 'MFCT',
  offered: setsCreated,
  note: '502, and not in FEAT, where storage cannot set times of creation, as local disks cannot.',

  argument: {
    syntax: 'YYYYMMDDHHMMSS path',
    parts: ['time', 'path'],
    required: 2,
    parse(text, session) {
      const [, time = '', name = ''] = /^(\S+) (.+)$/.exec(text) ?? [];
      return { createdMs: orFault(parseTimeVal(time), 'Syntax'), target: PATH.parse(name, session), name };
    },
  },

  async handle(context, { createdMs, target, name }) {
    context.note({ path: target });
    const files = context.files();
    if (files.setCreated === undefined) {
      throw new Fault('NotImplemented', { text: 'Times of creation cannot be set here.' });
    }
    await files.setCreated(target, createdMs);
    return { reply: reply(213, `Create=${formatTimeVal(createdMs)}; ${name}`) };
  },
});

/** The commands of this file. */
export const MODIFY_FACTS = [mff, mfct] as const;

/** A value that was understood: how the reply writes it, and how it is set. */
interface Change {
  readonly set: string;
  apply(files: FileSystem, target: VirtualPath): Promise<void> | undefined;
}

/** A fact that MFF can set. */
interface SettableFact {
  readonly fact: string;
  readonly letter: PermissionLetter;
  /** @throws Fault `Syntax`. */
  read(value: string): Change;
}

/** In the order in which they are set: the modification last, so that nothing else can move it. */
const SETTABLE: readonly SettableFact[] = [
  {
    fact: 'Create',
    letter: 'T',
    read(value) {
      const createdMs = orFault(parseTimeVal(value), 'Syntax');
      return { set: formatTimeVal(createdMs), apply: (files, target) => files.setCreated?.(target, createdMs) };
    },
  },
  {
    fact: 'UNIX.mode',
    letter: 'M',
    read(value) {
      const mode = orFault(parseMode(value), 'Syntax');
      return { set: mode.toString(8).padStart(3, '0'), apply: (files, target) => files.setMode(target, mode) };
    },
  },
  {
    fact: 'Modify',
    letter: 'T',
    read(value) {
      const modifiedMs = orFault(parseTimeVal(value), 'Syntax');
      return { set: formatTimeVal(modifiedMs), apply: (files, target) => files.setModified(target, modifiedMs) };
    },
  },
];

function settable(files: FileSystem): readonly SettableFact[] {
  return SETTABLE.filter(({ fact }) => fact !== 'Create' || files.setCreated !== undefined);
}

/** A fact as the client wrote it. */
interface Given {
  readonly name: string;
  readonly value: string;
}

/**
 * `name=value;` once or more, by the name in capitals: names of facts are the same in any case (section 5.1).
 * @throws Fault `Syntax`, also for a fact that is given twice.
 */
function parseFacts(list: string): ReadonlyMap<string, Given> {
  const facts = new Map<string, Given>();
  for (const fact of list.split(';').slice(0, -1)) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(fact) ?? [];
    if (name === '' || facts.has(asciiUpper(name))) throw new Fault('Syntax');
    facts.set(asciiUpper(name), { name, value });
  }
  if (facts.size === 0) throw new Fault('Syntax');
  return facts;
}

/** Before a login nobody's storage is known, and nothing is promised. */
function setsCreated({ login }: Session): boolean {
  return login.state === 'LoggedIn' && login.account.files.setCreated !== undefined;
}
