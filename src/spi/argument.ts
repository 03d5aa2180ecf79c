/**
 * What a command takes behind its verb, declared: how many parts, of which kinds, how they are read, and how HELP shows
 * them. It stands in place of ProFTPD's argument macros, and HELP, `docs/rfc.md` and the check of a line come from it.
 */
import { resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { parseWords } from '../protocol/words.ts';
import { Fault, orFault } from './fault.ts';
import type { Session } from './session.ts';

/** The kinds of parts that arguments are made of. */
export type ArgumentKind = 'path' | 'text' | 'number' | 'time' | 'word' | 'endpoint';

/** What is declared of an argument. */
export interface ArgumentShape {
  /** As HELP shows it, such as `path`, `[path]` or `mode path`; empty when there is nothing to show. */
  readonly syntax: string;
  /** The kind of each part, in order; none where nothing may stand behind the verb. */
  readonly parts: readonly ArgumentKind[];
  /** How many of the parts must be there. */
  readonly required: number;
}

/** The declaration of an argument that `Value` is read from. */
export interface ArgumentSpec<Value> extends ArgumentShape {
  /** Reads the text behind the verb. @throws Fault `Syntax`, `Parameter`, `BadName`. */
  parse(text: string, session: Session): Value;
}

/** Reads an argument as it is declared. @throws Fault `Syntax` when there is one too many or too few; as `parse`. */
export function readArgument<Value>(spec: ArgumentSpec<Value>, text: string, session: Session): Value {
  const isMissing = text === '' && spec.required > 0;
  const isTooMuch = text !== '' && spec.parts.length === 0;
  if (isMissing || isTooMuch) throw new Fault('Syntax');
  return spec.parse(text, session);
}

/** Nothing at all. */
export const NOTHING: ArgumentSpec<undefined> = { syntax: '', parts: [], required: 0, parse: () => undefined };

/** The path that the client means. */
export const PATH: ArgumentSpec<VirtualPath> = { syntax: 'path', parts: ['path'], required: 1, parse: pathFrom };

/** The path that the client means; where it stands when it names none. */
export const PATH_OR_CWD: ArgumentSpec<VirtualPath> = {
  syntax: '[path]',
  parts: ['path'],
  required: 0,
  parse: (text, session) => (text === '' ? session.cwd : pathFrom(text, session)),
};

/** Text of any kind that HELP calls `name`. */
export function text(name: string): ArgumentSpec<string> {
  return { syntax: name, parts: ['text'], required: 1, parse: (typed) => typed };
}

/** Two paths, in quotes where they hold spaces; HELP calls them `first` and `second`. */
export function twoPaths(first: string, second: string): ArgumentSpec<readonly [VirtualPath, VirtualPath]> {
  return {
    syntax: `${first} ${second}`,
    parts: ['path', 'path'],
    required: 2,
    parse(typed, session) {
      const [one, two, ...others] = orFault(parseWords(typed), 'Syntax');
      if (one === undefined || two === undefined || others.length > 0) throw new Fault('Syntax');
      return [pathFrom(one, session), pathFrom(two, session)];
    },
  };
}

function pathFrom(typed: string, session: Session): VirtualPath {
  if (typed === '') throw new Fault('Syntax');
  return orFault(resolvePath(session.cwd, typed), 'BadName');
}
