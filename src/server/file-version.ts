/** Whether a file is still the one that was read: something that changes whenever the file does. */
import type { Stats } from 'node:fs';

/** The version of a file. A change of mode is one too, which the time of modification does not show. */
export function fileVersion({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}

/** The version of a file that is not there. */
export const ABSENT = 'absent';
