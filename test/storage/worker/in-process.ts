/** Workers without processes: the same two ends of a channel, in one process and with one user's rights. */
import type { FileHandle } from 'node:fs/promises';
import { duplexPair } from 'node:stream';
import type { Log } from '../../../src/spi/log.ts';
import { nodeIo, type StorageIo } from '../../../src/storage/io.ts';
import { createLocalStorage } from '../../../src/storage/local.ts';
import { WorkerConnection } from '../../../src/storage/worker/connection.ts';
import { serveRequests } from '../../../src/storage/worker/service.ts';
import type { Worker, WorkerStarter } from '../../../src/storage/worker/worker-process.ts';

/** A starter that remembers what it started. */
export function inProcess(): {
  readonly start: WorkerStarter;
  readonly started: { user: string; lose(): Promise<void> }[];
} {
  const started: { user: string; lose(): Promise<void> }[] = [];
  const start: WorkerStarter = async ({ user }, { clock, pingMs }) => {
    const [near, far] = duplexPair();
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const handles = new Set<FileHandle>();
    const open: StorageIo['open'] = async (...words) => {
      const handle = await nodeIo.open(...words);
      handles.add(handle);
      return handle;
    };
    serveRequests(far, createLocalStorage({ io: { ...nodeIo, open } }));
    far.on('error', () => undefined);
    const leave = async () => {
      // What the kernel does for a process that is gone.
      for (const handle of handles) await handle.close();
      resolve();
    };
    const connection = new WorkerConnection(near, { clock, pingMs, onEnd: () => void leave() });
    const end = () => {
      connection.end(new Error('ended'));
      return gone;
    };
    started.push({ user, lose: end });
    return { connection, pid: started.length, gone, end } satisfies Worker;
  };
  return { start, started };
}

/** A log that remembers the names of what happened. */
export function eventsOf(): { readonly log: Log; readonly events: string[] } {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const log: Log = { debug: note, info: note, warn: note, error: note, with: () => log };
  return { log, events };
}
