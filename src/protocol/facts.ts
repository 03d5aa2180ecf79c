/** MLSx facts (RFC 3659 section 7): their names, which of them a client wants, and the text that gives them for one file. */

import { unreachable } from '../lib/assert.ts';
import type { FileFacts } from './file-facts.ts';
import { formatTimeVal } from './time.ts';
import { asciiUpper } from './words.ts';

/** Every fact that can be given, in the order in which they are. */
export const FACT_NAMES = [
  'type',
  'size',
  'modify',
  'create',
  'perm',
  'unique',
  'UNIX.mode',
  'UNIX.owner',
  'UNIX.group',
  'media-type',
] as const;
/** The name of a fact. */
export type FactName = (typeof FACT_NAMES)[number];

/** The facts that are given until OPTS MLST asks for others: those that every server should have (section 7.5.10). */
export const DEFAULT_FACTS: readonly FactName[] = ['type', 'size', 'modify', 'perm', 'unique'];

/**
 * The facts that OPTS MLST asks for, in our order (section 7.9): `type;UNIX.mode;`, in any case. Names that we do not
 * know are left out; no names at all mean no facts at all.
 *
 * @returns undefined for a syntax error, which is a space or a control character in the list (section 7.9.2).
 */
export function parseFactList(text: string): FactName[] | undefined {
  if (/[\u0000-\u0020\u007f]/.test(text)) return undefined;
  const wanted = new Set(asciiUpper(text).split(';'));
  return FACT_NAMES.filter((name) => wanted.has(asciiUpper(name)));
}

/** The list in the MLST line of FEAT: every fact, those that are given marked with `*` (section 7.8). */
export function featFactList(enabled: readonly FactName[]): string {
  return FACT_NAMES.map((name) => `${name}${enabled.includes(name) ? '*' : ''};`).join('');
}

/** What `formatFacts` needs to know beside the file's own facts. */
export interface FactOptions {
  readonly enabled: readonly FactName[];
  /** The value of `perm`, as `permFact` makes it. */
  readonly perm: string;
  /** Given for the listed directory itself and for its parent, in MLSD only (sections 7.5.1.2 and 7.5.1.4). */
  readonly directoryType?: 'cdir' | 'pdir' | undefined;
  /** The value of `media-type`; undefined when it is not known for sure (section 7.5.8). */
  readonly mediaType?: string | undefined;
}

/**
 * The enabled facts of one file, as `type=file;size=5;`. The caller adds one space, which is never left out, and the
 * name. Facts that do not apply are left out: size and media type of what is not a regular file, a creation that is not
 * known or later than the modification (section 7.5.4), and a `unique` that the storage gave in characters that could end
 * the fact (section 2.1, token).
 */
export function formatFacts(facts: FileFacts, { enabled, ...values }: FactOptions): string {
  return factsFormat(enabled)(facts, values);
}

/** What makes the facts of one listing, as `formatFacts` does. It remembers when the file before was modified. */
export function factsFormat(
  enabled: readonly FactName[],
): (facts: FileFacts, values: Omit<FactOptions, 'enabled'>) => string {
  // What nobody asked for is not made, and what is the same as for the file before is not made again.
  const wanted = FACT_NAMES.filter((name) => enabled.includes(name)).map(
    (name): RememberedFact => ({ name, label: `${name}=`, value: undefined, text: '' }),
  );
  let second = Number.NaN;
  let modified = '';
  return (facts, values) => {
    let text = '';
    for (const fact of wanted) {
      const { name } = fact;
      const value = name === 'modify' ? modifiedText(facts.modifiedMs) : factValue(name, facts, values);
      if (value !== fact.value) remember(fact, value);
      text += fact.text;
    }
    return text;
  };

  /** Many files of a directory were written in the same second. */
  function modifiedText(modifiedMs: number): string {
    const fileSecond = Math.floor(modifiedMs / 1_000);
    if (fileSecond !== second) modified = formatTimeVal(modifiedMs);
    second = fileSecond;
    return modified;
  }
}

/** A fact as the last file had it. */
interface RememberedFact {
  readonly name: FactName;
  readonly label: string;
  value: string | undefined;
  /** Of that value; empty where the fact does not apply. */
  text: string;
}

function remember(fact: RememberedFact, value: string | undefined): void {
  fact.value = value;
  fact.text = value === undefined ? '' : `${fact.label}${value};`;
}

/**
 * The value of `perm` (section 7.5.5) for someone who has these permission letters (`elradfmwMT`) over the object.
 * Files: `a`ppend, `d`elete, rename (`f`), `r`etrieve, store (`w`). Directories: `c`reate a file in it, `d`elete it,
 * `e`nter, rename it (`f`), `l`ist, `m`ake a directory in it, delete what is in it (`p`).
 */
export function permFact(letters: ReadonlySet<string>, kind: FileFacts['kind']): string {
  return PERM[kind]
    .filter(([, letter]) => letters.has(letter))
    .map(([perm]) => perm)
    .join('');
}

/** The value of one fact; undefined when it does not apply. */
function factValue(
  name: Exclude<FactName, 'modify'>,
  facts: FileFacts,
  { perm, directoryType, mediaType }: Omit<FactOptions, 'enabled'>,
): string | undefined {
  const { kind, createdMs } = facts;
  switch (name) {
    case 'type':
      return directoryType ?? TYPES[kind];
    case 'size':
      return kind === 'file' ? `${facts.sizeBytes}` : undefined;
    case 'create':
      return createdMs !== undefined && createdMs <= facts.modifiedMs ? formatTimeVal(createdMs) : undefined;
    case 'perm':
      return perm;
    case 'unique':
      return TOKEN.test(facts.unique) ? facts.unique : undefined;
    case 'UNIX.mode':
      return (facts.mode & 0o7777).toString(8).padStart(4, '0');
    case 'UNIX.owner':
      return `${facts.owner}`;
    case 'UNIX.group':
      return `${facts.group}`;
    case 'media-type':
      return kind === 'file' ? mediaType : undefined;
    default:
      return unreachable(name);
  }
}

/** What is neither file nor directory (a device, a socket) has a type of the system's own (section 7.5.1.5). */
const TYPES = { file: 'file', directory: 'dir', other: 'OS.unix=special' } as const satisfies Record<
  FileFacts['kind'],
  string
>;

/** RFC 3659 section 2.1: one or more RCHAR. */
const TOKEN = /^[A-Za-z0-9,.:!@#$%^&()\-_+?/\\'"]+$/;

/** The letter of `perm`, and the permission letter that grants it. */
const PERM: Record<FileFacts['kind'], readonly (readonly [perm: string, letter: string])[]> = {
  file: [
    ['a', 'a'],
    ['d', 'd'],
    ['f', 'f'],
    ['r', 'r'],
    ['w', 'w'],
  ],
  directory: [
    ['c', 'w'],
    ['d', 'd'],
    ['e', 'e'],
    ['f', 'f'],
    ['l', 'l'],
    ['m', 'm'],
    ['p', 'd'],
  ],
  other: [
    ['d', 'd'],
    ['f', 'f'],
  ],
};
