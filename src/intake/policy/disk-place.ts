/**
 * Which place of the machine's disk a path means, so that several accounts whose homes overlap, and links between them,
 * come to one name for one file. Only for keeping accounts of files: nothing is opened by it.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';
import type { FileSystem } from '../../spi/file-system.ts';

/** A place as text in which `/` parts what holds from what is held. */
export type DiskPlace = string & { readonly [brand]: 'DiskPlace' };
declare const brand: unique symbol;

/** Storage that knows its places. */
type Located = Pick<FileSystem, 'onDisk' | 'placeOnDisk'>;

/**
 * The place of a name: links on the way to it are followed, the name itself is not. Where storage is on no disk, the
 * account's own paths are all that there is.
 */
export async function placeOf(files: Located, account: string, path: VirtualPath): Promise<DiskPlace> {
  const disk = files.placeOnDisk?.(path) ?? files.onDisk?.(path);
  if (disk === undefined) return `//${encodeURIComponent(account)}${path === ROOT ? '' : path}` as DiskPlace;
  if (path === ROOT) return (await real(disk)) as DiskPlace;
  return join(await real(dirname(disk)), basename(disk)) as DiskPlace;
}

/** The place of what a name leads to: as `placeOf`, with the name followed too when it is a link. */
export async function placeBehind(files: Located, account: string, path: VirtualPath): Promise<DiskPlace> {
  const disk = files.placeOnDisk?.(path) ?? files.onDisk?.(path);
  return disk === undefined ? placeOf(files, account, path) : ((await real(disk)) as DiskPlace);
}

/**
 * The same directory by the path on which there is no link, as far as it is in the account's tree: a link may have been made
 * by somebody else than a client, and what holds in a directory holds by whatever path it is reached.
 */
export async function directoryBehindLinks(
  files: Located,
  account: string,
  directory: VirtualPath,
): Promise<VirtualPath> {
  if (directory === ROOT) return ROOT;
  const [place, root] = [await placeBehind(files, account, directory), await placeBehind(files, account, ROOT)];
  // What is out of the tree storage itself refuses.
  if (place.startsWith('//') || !isPlaceWithin(place, root)) return directory;
  return resolvePath(ROOT, `/${relative(root, place)}`) ?? directory;
}

/** Whether a place is another one or lies below it. */
export function isPlaceWithin(place: DiskPlace, ancestor: DiskPlace): boolean {
  return place === ancestor || place.startsWith(ancestor.endsWith('/') ? ancestor : `${ancestor}/`);
}

/** As much of the path as there is, resolved; what is missing, or may not be looked at, stays as it is spelt. */
async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await real(parent), basename(path));
  }
}
