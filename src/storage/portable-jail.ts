/** The jail where there is no `/proc/self/fd` (macOS, the BSDs, Windows): paths are checked before and after. */
import type { BigIntStats } from 'node:fs';
import { join, sep } from 'node:path';
import { assert } from '../lib/assert.ts';
import { hasCode } from '../lib/error-code.ts';
import { pathParts } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import { identityOf, letGo, type StorageIo } from './io.ts';
import { type HeldDirectory, type HeldNode, hasReservedPart, isBelow, type Jail } from './jail.ts';
import type { SealedParts } from './sealed-name.ts';

/**
 * Makes a jail that resolves a path, checks where it leads, and uses the resolved path from then on.
 *
 * Weaker than the one on Linux: between the check and the use, someone who may write to the home by other means than
 * this gateway can swap a directory for a symlink. Clients cannot make symlinks, so they alone cannot do it. Files are
 * compared by device and inode once open, which leaves creating, renaming and removing names, bits and times as what
 * can be raced. Nor does it hide whether something exists behind a symlink that leaves.
 */
export function portableJail(io: StorageIo, root: string, isSealed: SealedParts): Jail {
  const placeFor = (parts: readonly string[]): Place => ({ io, root, isSealed, bySealed: isSealed(parts) });
  const locate = (place: Place, parts: readonly string[]) => {
    assert(!parts.includes('..') && !parts.includes('.'), 'a virtual path has no . and ..');
    return resolveInside(place, join(root, ...parts));
  };
  return {
    async openDirectory(path) {
      const parts = pathParts(path);
      const place = placeFor(parts);
      return holdDirectory(place, await locate(place, parts));
    },
    async openNode(path) {
      const parts = pathParts(path);
      return holdNode(await locate(placeFor(parts), parts));
    },
  };
}

interface Place {
  readonly io: StorageIo;
  readonly root: string;
  readonly isSealed: SealedParts;
  /** Whether the sealed name was asked for on the way. */
  readonly bySealed: boolean;
}

interface Resolved {
  readonly real: string;
  readonly stats: BigIntStats;
}

/**
 * @throws Fault `PermissionDenied` unless the path, with every symlink followed, is inside; `NoSuchFile` for what is the
 *   gateway's own, or has the sealed name and was not asked for by it.
 */
async function resolveInside({ io, root, isSealed, bySealed }: Place, path: string): Promise<Resolved> {
  const [real, realRoot] = await Promise.all([io.realpath(path), io.realpath(root)]);
  if (!isBelow(real, realRoot, sep)) throw new Fault('PermissionDenied');
  if (hasReservedPart(real, realRoot, sep)) throw new Fault('NoSuchFile');
  if (!bySealed && isSealed(real.slice(realRoot.length).split(sep))) throw new Fault('NoSuchFile');
  return { real, stats: await io.lstat(real, { bigint: true }) };
}

function holdNode({ real, stats }: Resolved): HeldNode {
  // Whatever replaced the real path by a symlink since did so after the check.
  if (stats.isSymbolicLink()) throw new Fault('PermissionDenied');
  return { stats, path: real, pinned: false, close: async () => {}, closeBehind: () => {} };
}

function holdDirectory(place: Place, { real, stats }: Resolved): HeldDirectory {
  if (!stats.isDirectory()) throw new Fault('NotADirectory');
  const identity = identityOf(stats);
  const at = (name: string) => {
    assert(name !== '' && name !== '.' && name !== '..' && !name.includes(sep), 'one name of a directory');
    return join(real, name);
  };
  const asking = (name: string): Place => ({ ...place, bySealed: place.bySealed || place.isSealed([name]) });
  return {
    identity,
    path: real,
    at,
    node: async (name) => holdNode(await resolveInside(asking(name), at(name))),
    async child(name) {
      const resolved = await resolveInside(asking(name), at(name));
      if (resolved.real !== at(name)) throw new Fault('NotADirectory');
      return holdDirectory(asking(name), resolved);
    },
    pathOfOpen: (_fd, name) => at(name),
    async verify() {
      const now = await resolveInside(place, real);
      if (identityOf(now.stats) !== identity) throw new Fault('PermissionDenied');
    },
    isWhereAsked: async () => false,
    sync: () => syncDirectory(place.io, real),
    close: async () => {},
  };
}

async function syncDirectory(io: StorageIo, path: string): Promise<void> {
  try {
    const handle = await io.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await letGo(handle);
    }
  } catch (error) {
    // Windows has no handle of a directory that could be synced; NTFS journals its names by itself.
    if (process.platform !== 'win32' || !hasCode(error, 'EPERM', 'EISDIR', 'EACCES')) throw error;
  }
}
