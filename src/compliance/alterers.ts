/**
 * Who can change or delete what was uploaded to a place: the account itself, and every other one that reaches the same
 * directory on the disk. Homes are compared with their links followed; links within them are not.
 */
import { join, relative } from 'node:path';
import { parentOf } from '../protocol/virtual-path.ts';
import type { Place } from './upload-places.ts';

/** The accounts, in the order of their names; none for what is written once. */
export function alterersOf(place: Place, places: readonly Place[]): readonly string[] {
  const byOwner = Map.groupBy(places, ({ account, host }) => `${account} ${host}`);
  const found = [...byOwner.values()].flatMap((theirs) => {
    const [first] = theirs;
    if (first === undefined || first.account === place.account) return [];
    return reached(place, theirs).some(canAlter) ? [first.account] : [];
  });
  return [...new Set(canAlter(place) ? [place.account, ...found] : found)].sort();
}

/** Letters that change what is there: append, delete, rename. */
const CHANGING = ['a', 'd', 'f'] as const;

function canAlter({ intake, letters, overwrite }: Place): boolean {
  const replaces = letters.has('w') && intake.collision === 'replace' && overwrite === 'replace';
  return replaces || CHANGING.some((letter) => letters.has(letter));
}

/** What another account has of a place: that around it or at it, and all within it. */
function reached(place: Place, theirs: readonly Place[]): readonly Place[] {
  const target = onDisk(place);
  if (target === undefined) return [];
  const around = theirs
    .filter((one) => contains(one, target))
    .sort((a, b) => directoryOf(b).length - directoryOf(a).length || b.path.length - a.path.length)
    .slice(0, 1);
  return [...around, ...theirs.filter((one) => isWithin(onDisk(one), target))];
}

/** A name `*` at the end of a path stands for what lies below, and not for the directory. */
function directoryOf({ path }: Place): string {
  return path.endsWith('/*') ? parentOf(path) : path;
}

function onDisk(place: Place): string | undefined {
  return place.root === undefined ? undefined : join(place.root, directoryOf(place));
}

function contains(place: Place, target: string): boolean {
  const directory = onDisk(place);
  if (directory === undefined) return false;
  return directory === target ? !place.path.endsWith('/*') : isWithin(target, directory);
}

/** Whether a directory lies in another one, or is that one. */
function isWithin(directory: string | undefined, other: string): boolean {
  if (directory === undefined) return false;
  const way = relative(other, directory);
  return way !== '..' && !way.startsWith('../');
}
