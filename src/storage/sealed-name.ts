/**
 * The sealed name: what is called so is reached by that name and by no other. Who may ask for it is not decided here;
 * but whoever keeps clients from a name must not have them come to it by a link that is called otherwise.
 */
import { foldedName } from '../lib/folded-name.ts';

/** The sealed name where nobody chooses another one: what access files are called by default. */
export const DEFAULT_SEALED_NAME = '.ftpaccess';

/** Whether any of these names, the parts of a path, is the sealed one in any spelling. */
export type SealedParts = (parts: readonly string[]) => boolean;

/** Makes the question. */
export function sealedParts(name: string): SealedParts {
  const sealed = foldedName(name);
  return (parts) => parts.some((part) => foldedName(withoutMark(part)) === sealed);
}

/** Linux shows what has lost its name since it was opened with this behind it; what it was is still what is read. */
function withoutMark(part: string): string {
  return part.endsWith(DELETED) ? part.slice(0, -DELETED.length) : part;
}

const DELETED = ' (deleted)';
