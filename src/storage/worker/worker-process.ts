/** Starting the process of a worker, and making sure of whose rights it has before it is given anything to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { assert } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../spi/log.ts';
import { WorkerConnection } from './connection.ts';
import { ANSWERS } from './messages.ts';
import { maySwitch, parseRights, type UnixUser, whyNotOf } from './rights.ts';

/** A worker that runs. */
export interface Worker {
  readonly connection: WorkerConnection;
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  /** Ends it at once; what it is asked just now fails. Resolves when the process is gone. */
  end(): Promise<void>;
}

/** What workers are started with. */
export interface WorkerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** See `ConnectionParts`. */
  readonly pingMs: number;
}

/** Starts a worker for a user. @throws Error when it cannot be started, or has not exactly that user's rights. */
export type WorkerStarter = (user: UnixUser, parts: WorkerParts) => Promise<Worker>;

/** Starts the real thing: a process of its own. */
export const startWorker: WorkerStarter = async (user, { clock, log, pingMs }) => {
  const words = [...HARDENING, ENTRY, user.user, `${user.uid}`, `${user.gid}`];
  // Nothing of the gateway goes along: no environment, no open file but the channel, and no directory to stand in.
  const child = spawn(process.execPath, words, {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const said = lastWords(child);
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  let ending = false;
  let failure: Error | undefined;
  let reason: Error | undefined;
  child.on('error', (error) => {
    failure = error;
    // One that never was does not exit either.
    if (child.pid === undefined) leave();
  });
  child.on('exit', (code, signal) => {
    const fields = { user: user.user, pid: child.pid, code, signal, ...(said() !== '' && { said: said() }) };
    if (ending) log.info('files.worker_ended', fields);
    else log.warn('files.worker_lost', { ...fields, ...(reason !== undefined && { error: reason }) });
    connection.end(new Error(`the worker ended: ${signal ?? code}`));
    leave();
  });
  const channel: unknown = child.stdio[3];
  assert(channel instanceof Duplex, 'descriptor 3 is a channel');
  const onEnd = (why: Error) => {
    reason = why;
    child.kill('SIGKILL');
  };
  const connection = new WorkerConnection(channel, { clock, pingMs, onEnd });
  const end = (why: Error) => {
    ending = true;
    connection.end(why);
    return gone;
  };
  const deadline = clock.after(START_MS, () => connection.end(new Error(`no start within ${START_MS} ms`)));
  try {
    // It answers once it is who it should be. What it says of itself is then compared with what the kernel says.
    await connection.ask({ op: 'ping' }, ANSWERS.nothing);
    await verify(child.pid, user);
    log.info('files.worker_started', { user: user.user, uid: user.uid, pid: child.pid });
    return { connection, pid: child.pid ?? 0, gone, end: () => end(new Error('the worker was ended')) };
  } catch (cause) {
    await end(new Error('the worker did not start'));
    throw new Error(`the worker did not start: ${said()}`, { cause: failure ?? cause });
  } finally {
    deadline.cancel();
  }
};

/** Loading everything, on a machine that is busy. */
const START_MS = 20_000;

/** Source and compiled program have the same layout. */
const ENTRY = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js');

/** The user may send signals to its own process, and SIGUSR1 would open it to debuggers of anybody on the machine. */
const HARDENING = ['--disable-sigusr1'];

/** io_uring would go on with the rights that the process began with (CVE-2024-22017). */
const ENVIRONMENT = { UV_USE_IO_URING: '0' };

/** Bytes kept of what a worker writes to its standard error. */
const SAID_BYTES_MAX = 4_096;

async function verify(pid: number | undefined, user: UnixUser): Promise<void> {
  if (process.platform !== 'linux') return;
  const rights = parseRights(await readFile(`/proc/${pid}/status`, 'utf8'));
  const difference = whyNotOf(user, rights, maySwitch());
  if (difference !== undefined) throw new Error(`the worker is not ${user.user}: ${difference}`);
}

/** Collects the end of what a process writes to its standard error. */
function lastWords({ stderr }: ChildProcess): () => string {
  let words = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-SAID_BYTES_MAX);
  });
  return () => words.trim();
}
