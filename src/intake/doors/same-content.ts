/** Whether what has a name is what was sent. */
import { createHash } from 'node:crypto';
import { parentOf, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { FileSystem, HeldFile } from '../../spi/file-system.ts';
import type { Upload } from './upload.ts';

/** Whether the path has these very bytes. What is stored encrypted cannot be compared, and is taken for another. */
export async function isPublishedAs(
  files: FileSystem,
  path: VirtualPath,
  { bytes, sha256 }: Pick<Upload, 'bytes' | 'sha256'>,
): Promise<boolean> {
  try {
    const opened = await files.openRead(path);
    try {
      if (opened.facts.sizeBytes !== bytes) return false;
      const hash = createHash('sha256');
      for await (const piece of opened.read(0)) hash.update(piece);
      return hash.digest('hex') === sha256;
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof Fault && (error.kind === 'NoSuchFile' || error.kind === 'NotAFile')) return false;
    throw error;
  }
}

/** What is known of the bytes that were held. */
export interface HeldContent {
  readonly bytes: number;
  readonly sha256: string;
  readonly encryptedTo: readonly string[];
  readonly storedBytes?: number | undefined;
  readonly storedSha256?: string | undefined;
}

/**
 * Whether what is held is what arrived: whoever owns the file, or a program of the machine, may have changed it while it
 * waited. What was encrypted, and of which it is not known as what it went to the disk, is taken for another.
 */
export async function isUnaltered(held: HeldFile, content: HeldContent): Promise<boolean> {
  const isEncrypted = content.encryptedTo.length > 0;
  const bytes = isEncrypted ? content.storedBytes : content.bytes;
  if (held.sizeBytes !== bytes) return false;
  const hash = createHash('sha256');
  for await (const piece of held.read()) hash.update(piece);
  return hash.digest('hex') === (isEncrypted ? content.storedSha256 : content.sha256);
}

/** Why such a file is not published. */
export const ALTERED = 'what is held is not what arrived: it was changed on the disk while it waited';

/** Whether anything has the name. */
export async function isThere(files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Fault && (error.kind === 'NoSuchFile' || error.kind === 'NotADirectory')) return false;
    throw error;
  }
}

/** Which directory a name is in, as `FileFacts.unique` has it; undefined when that cannot be told. */
export async function directoryOf(files: FileSystem, path: VirtualPath): Promise<string | undefined> {
  try {
    return (await files.stat(parentOf(path))).unique;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
