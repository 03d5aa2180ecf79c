/** What the directives of all modules amount to, wherever they are written. */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Directive } from './directive.ts';
import type { Session } from './session.ts';

/** What directives amount to. */
export interface Settings {
  /** The value that holds for a session wherever it stands: of the server, its host, its classes and its account. */
  inSession<Value>(directive: Directive<Value>, session: Session): Value;
  /**
   * The value that holds for a session at a directory: that of the session, then the sections and access files of every
   * directory from the root down to it.
   *
   * @throws Fault `PermissionDenied` when an access file on the way is wrong; the log has its place and mistake.
   */
  atDirectory<Value>(directive: Directive<Value>, session: Session, directory: VirtualPath): Promise<Value>;
  /** Whether every directory has what the session has, so that no place has to be looked up; false, or absent, if unknown. */
  isEverywhereAlike?(session: Session): boolean;
}
