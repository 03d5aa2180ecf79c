/** The arguments that most commands have: nothing, or a path. */
import { resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { parseWords } from '../protocol/words.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';

/** No argument. @throws Fault `Syntax` when there is one. */
export function nothing(text: string): undefined {
  if (text !== '') throw new Fault('Syntax');
}

/** An argument of any kind. @throws Fault `Syntax` when there is none. */
export function something(text: string): string {
  if (text === '') throw new Fault('Syntax');
  return text;
}

/** The path that the client means. @throws Fault `Syntax` when there is none, `BadName` when it cannot be one. */
export function path(text: string, session: Session): VirtualPath {
  return orFault(resolvePath(session.cwd, something(text)), 'BadName');
}

/** The path that the client means; where it stands when it names none. @throws Fault `BadName`. */
export function pathOrCwd(text: string, session: Session): VirtualPath {
  return text === '' ? session.cwd : path(text, session);
}

/** Two paths, in quotes where they hold spaces. @throws Fault `Syntax` for any other number of them, `BadName`. */
export function twoPaths(text: string, session: Session): readonly [VirtualPath, VirtualPath] {
  const [first, second, ...others] = orFault(parseWords(text), 'Syntax');
  if (first === undefined || second === undefined || others.length > 0) throw new Fault('Syntax');
  return [path(first, session), path(second, session)];
}
