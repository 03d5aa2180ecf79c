/** What the cases of the storage suite do again and again. */
import type { DirectoryEntry } from '../protocol/file-facts.ts';
import type { FileSystem, StagedWrite, StageRequest } from '../spi/file-system.ts';
import { virtualPath as at } from './conformance.ts';

/** Cases by name; a storage that breaks the promise makes one reject. */
export type Checks = Readonly<Record<string, (files: FileSystem) => Promise<void>>>;

/** A write from nothing that replaces what is there. */
export const EMPTY: StageRequest = { from: 'empty', existing: 'replace' };

/** Stages and writes, without ending it. */
export async function begin(files: FileSystem, name: string, content: string, request = EMPTY): Promise<StagedWrite> {
  const staged = await files.stage(at(name), request);
  await staged.write([Buffer.from(content)]);
  return staged;
}

/** Uploads a whole file. */
export async function put(files: FileSystem, name: string, content: string): Promise<void> {
  await (await begin(files, name, content)).commit();
}

/** All of it. */
export async function bytesOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** What a published file holds. */
export async function text(files: FileSystem, name: string): Promise<string> {
  const opened = await files.openRead(at(name));
  try {
    return (await bytesOf(opened.read(0))).toString();
  } finally {
    await opened.close();
  }
}

/** All entries of a directory. */
export async function list(files: FileSystem, directory: string): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const batch of await files.list(at(directory))) entries.push(...batch);
  return entries;
}

/** Their names, sorted. */
export async function names(files: FileSystem, directory: string): Promise<string[]> {
  return (await list(files, directory)).map(({ name }) => name).sort();
}
