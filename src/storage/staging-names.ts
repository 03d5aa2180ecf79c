/** The hidden names that uploads have until they are published, and who is using them. */
import { hash, randomBytes } from 'node:crypto';
import { assert } from '../lib/assert.ts';
import { baseName, parentOf, pathParts, ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import { RESERVED_PREFIX } from './jail.ts';

/** The names that one account's uploads of one target have, beside the target in its directory. */
export interface StagingNames {
  /**
   * While bytes arrive. It depends on the boot of the machine: after a crash of the gateway alone the next process
   * finds it again, after a power loss nobody does, because its bytes may never have reached the disk.
   */
  readonly active: string;
  /** A kept partial, whose bytes are on the disk. It lasts from boot to boot. */
  readonly partial: string;
}

/**
 * The names for `owner`'s uploads of `target`. The owner is part of the hash, so nobody is ever offered what another
 * account has sent.
 */
export function stagingNames(owner: string, target: string, bootId: string): StagingNames {
  assert(!owner.includes('\0'), 'NUL separates the fields of the hash');
  return {
    active: `${RESERVED_PREFIX}${shortHash(`${owner}\0${target}\0${bootId}`)}.up`,
    partial: `${RESERVED_PREFIX}${shortHash(`${owner}\0${target}`)}.part`,
  };
}

/** Whether a name is the gateway's own: invisible to clients and refused from them. */
export function isReserved(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX);
}

/** Whether any name on the path is the gateway's own. */
export function leadsToReserved(path: VirtualPath): boolean {
  return pathParts(path).some(isReserved);
}

/** Whether a name is one that `stagingNames` or `LiveUploads` made, and so may be removed once unused. */
export function isStagingName(name: string): boolean {
  return /^\.sallyport-[0-9a-f]{24}(-[0-9a-f]{12})?\.(up|part)$/.test(name);
}

/**
 * The name under which a whole upload of `target` waits for its publication, beside the target. It has nothing of the
 * boot or the process in it: whoever finds the item written down finds its file.
 */
export function heldName(target: string, id: string): string {
  assertHeldId(id);
  return `${RESERVED_PREFIX}${shortHash(target)}-${id}.held`;
}

/** What is held is named by whoever holds it, so that it can be written down before. */
export function assertHeldId(id: string): void {
  assert(/^[0-9a-f]{24}$/.test(id), 'an id of 24 small hexadecimal digits');
}

/** Whether a name is one that `heldName` made: nobody's to remove, or to move away with its directory. */
export function isHeldName(name: string): boolean {
  return /^\.sallyport-[0-9a-f]{24}-[0-9a-f]{24}\.held$/.test(name);
}

/** What is held for `held` is published as `path`: another name in the same directory at most. */
export function assertBeside(held: VirtualPath, path: VirtualPath): void {
  assert(path !== ROOT && parentOf(path) === parentOf(held), 'what is held is published where it is held');
  assert(!isReserved(baseName(path)), 'what is published has a name that clients see');
}

/** A staging name that belongs to one upload until it is released. */
export interface Claim {
  readonly name: string;
  /** Whether the name is `StagingNames.active`, and not one made up because another upload has that. */
  readonly first: boolean;
  /** Whether no other upload of this target by this account runs now. */
  alone(): Promise<boolean> | boolean;
  /** To be called once, when nothing has the name any more. */
  release(): void;
}

/**
 * The uploads that run. Without it a running upload would look like one that a crash left behind: all processes that serve a
 * home must therefore share one.
 */
export interface LiveUploads {
  /** Takes the active name, or a name of its own when another upload has that. */
  claim(directory: string, names: StagingNames): Promise<Claim> | Claim;
  /** Whether an upload of this target, by the account that the names are made for, has the active name. */
  isActive(directory: string, names: StagingNames): Promise<boolean> | boolean;
  /** Whether any upload into this directory runs. */
  isBusy(directory: string): Promise<boolean> | boolean;
}

/** Those that run in this process, when no other serves the same homes. */
export class OwnUploads implements LiveUploads {
  /** Names in use, by directory (`HeldDirectory.identity`) and by `StagingNames.partial`, the key of a target. */
  readonly #uses = new Map<string, Map<string, Set<string>>>();

  claim(directory: string, names: StagingNames): Claim {
    const targets = this.#uses.get(directory) ?? new Map<string, Set<string>>();
    const inUse = targets.get(names.partial) ?? new Set<string>();
    const first = !inUse.has(names.active);
    const name = first ? names.active : names.active.replace(/\.up$/, `-${randomBytes(6).toString('hex')}.up`);
    this.#uses.set(directory, targets);
    targets.set(names.partial, inUse.add(name));
    return {
      name,
      first,
      alone: () => inUse.size === 1,
      release: () => {
        inUse.delete(name);
        if (inUse.size === 0) targets.delete(names.partial);
        if (targets.size === 0) this.#uses.delete(directory);
      },
    };
  }

  isActive(directory: string, names: StagingNames): boolean {
    return this.#uses.get(directory)?.get(names.partial)?.has(names.active) ?? false;
  }

  isBusy(directory: string): boolean {
    return this.#uses.has(directory);
  }
}

function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 24);
}
