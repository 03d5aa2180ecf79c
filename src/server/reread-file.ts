/** Files that are read again when they have changed, while the gateway runs. */
import { stat } from 'node:fs/promises';
import { fileVersion } from './file-version.ts';

/** A file's content as it was when it was last right. */
export interface RereadFile<Content> {
  /** What was read last; undefined before the first time. */
  content(): Content | undefined;
  /** Reads it if it has changed since. @throws what `read` throws, once for each version; the content stays then. */
  refresh(): Promise<void>;
  /** Reads it, whether or not it has changed. @throws what `read` throws; the content stays then. */
  reload(): Promise<void>;
}

/** Follows a file. `read` is told whether this is the first time, at the start, when nothing may be wrong yet. */
export function rereadFile<Content>(
  path: string,
  read: (occasion: 'start' | 'change') => Promise<Content>,
): RereadFile<Content> {
  let content: Content | undefined;
  let seen = '';
  const readIf = async (which: 'any' | 'changed') => {
    const version = fileVersion(await stat(path));
    if (version === seen && which === 'changed') return;
    const occasion = seen === '' ? 'start' : 'change';
    // A version that is wrong is reported once, not at every login.
    seen = version;
    content = await read(occasion);
  };
  return { content: () => content, refresh: () => readIf('changed'), reload: () => readIf('any') };
}
