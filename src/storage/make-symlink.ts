/** Making symbolic links that stay inside the home. */
import { Fault } from '../spi/fault.ts';
import { identityOf, type StorageIo } from './io.ts';
import type { HeldDirectory, HeldNode } from './jail.ts';
import { followed } from './nodes.ts';
import type { Place } from './rename.ts';

/** A link to be made: where, and to what. */
export interface SymlinkRequest {
  readonly place: Place;
  readonly node: HeldNode;
  /** Whether to wait for the disk. */
  readonly sync: boolean;
}

/**
 * Makes a link that leads to exactly `node`, where that is on the disk. A relative link would lead elsewhere once it is
 * renamed, or a directory above it is, and so past the rules that allowed it; an absolute one leads nowhere when the home
 * itself has moved, for what lies outside is refused. The link is followed once it is made, and taken back unless it
 * leads where it should.
 *
 * @throws Fault `FileExists`, `NotAFile` for a target that is neither file nor directory, `PermissionDenied`. No link is
 *   left then.
 */
export async function makeSymlink(io: StorageIo, request: SymlinkRequest): Promise<void> {
  const { place, node, sync } = request;
  const { directory, name } = place;
  if (!node.stats.isFile() && !node.stats.isDirectory()) throw new Fault('NotAFile');
  await io.symlink(await io.realpath(node.path), directory.at(name));
  try {
    await refuseElsewhere(directory, name, node);
    if (sync) await directory.sync();
  } catch (error) {
    // If that fails too the link still cannot leave: whoever follows it is checked as for any other.
    await io.unlink(directory.at(name)).catch(() => undefined);
    throw error;
  }
}

async function refuseElsewhere(directory: HeldDirectory, name: string, node: HeldNode): Promise<void> {
  const reached = await followed(directory, name);
  await reached?.close();
  if (reached !== undefined && identityOf(reached.stats) === identityOf(node.stats)) return;
  throw new Fault('PermissionDenied', { cause: new Error('the link would lead elsewhere') });
}
