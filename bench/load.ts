/** The load generator: builds it, and runs it against a server while what that server uses is counted. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Running } from './contestant.ts';
import { cpuSecondsOf } from './process-tree.ts';

/** What `ftps-load` does; see the head of `load/ftps-load.c`. */
export interface Load {
  readonly mode: 'retr' | 'stor' | 'login' | 'guess' | 'noop' | 'list';
  readonly options: Readonly<Record<string, string | number>>;
}

const reported = z.strictObject({
  seconds: z.number().positive(),
  bytes: z.number(),
  operations: z.int(),
  /** Data connections that resumed the control connection's session. */
  resumed: z.int(),
  /** Seconds of one operation: half of them took less, and 99 of 100. */
  p50: z.number(),
  p99: z.number(),
  /** Seconds to the first byte of the last transfer. */
  first: z.number(),
  /** CPU seconds of the load itself. */
  clientCpu: z.number(),
});

/** What a run of it came to. */
export interface Measured extends z.output<typeof reported> {
  /** CPU seconds of the server, whatever it started included. */
  readonly serverCpu: number;
}

/** The built program, and when whoever uses it has waited long enough. */
export interface LoadProgram {
  readonly path: string;
  readonly signal: AbortSignal;
  /** How long nothing more may be used by the server until it counts as done. */
  readonly calmMs: number;
  /** Told when a load begins and when it is done: between them lies what is measured. */
  readonly watch?: (moment: 'begins' | 'done', server: Running) => void;
}

/** A server's CPU time is no more waited for behind a load. */
const SETTLE_MAX_MS = 2_000;
const SOURCES = fileURLToPath(new URL('load/', import.meta.url));

/** Compiles the load generator into a folder. @throws Error when there is no compiler, or no OpenSSL to build with. */
export function buildLoad(folder: string): string {
  const program = join(folder, 'ftps-load');
  const sources = globSync(join(SOURCES, '*.c'));
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', program, ...sources, '-lssl', '-lcrypto', '-lpthread']);
  return program;
}

/**
 * Runs a load. `look` is called when all have logged in, and again when they are done and have not left yet.
 *
 * @throws Error with what it said when anything did not go as it should, or took too long.
 */
export async function measure(
  program: LoadProgram,
  server: Running,
  load: Load,
  look: () => Promise<void> = async () => undefined,
): Promise<Measured> {
  const child = begin(program, server, load.mode, load.options);
  await child.ready;
  await look();
  const before = cpuSecondsOf(server.pid);
  program.watch?.('begins', server);
  child.go();
  const report = await child.report;
  program.watch?.('done', server);
  const serverCpu = (await settled(server.pid, program.calmMs)) - before;
  await look();
  child.go();
  await child.ended;
  const measured = { ...reported.parse(JSON.parse(report)), serverCpu };
  if (measured.operations === 0) throw new Error('nothing was done in time');
  return measured;
}

/** Runs a load beside others, without looking at the server. */
export async function runBeside(program: LoadProgram, server: Running, loads: readonly Load[]) {
  const children = loads.map(({ mode, options }) => begin(program, server, mode, options));
  await Promise.all(children.map(({ ready }) => ready));
  program.watch?.('begins', server);
  for (const child of children) child.go();
  const reports = await Promise.all(children.map(({ report }) => report));
  program.watch?.('done', server);
  for (const child of children) child.go();
  await Promise.all(children.map(({ ended }) => ended));
  return reports.map((report) => reported.parse(JSON.parse(report)));
}

/** Sessions that are held. */
export interface HeldSessions {
  release(): Promise<void>;
}

/** Begins so many sessions. @throws Error when one of them does not come about. */
export async function holdSessions(program: LoadProgram, server: Running, connections: number): Promise<HeldSessions> {
  const child = begin(program, server, 'idle', { connections });
  await child.ready;
  return {
    async release() {
      child.end();
      await child.ended;
    },
  };
}

function begin({ path, signal }: LoadProgram, server: Running, mode: string, options: Load['options']) {
  signal.throwIfAborted();
  const settings = { directory: server.directory, hesitate: server.manner.hesitateMs, ...options };
  const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const args = [`${server.port}`, server.user, server.password, mode, ...words];
  const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // One that has died takes no word any more; how it ended tells why.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]) => {
    signal.throwIfAborted();
    if (code !== 0) throw new Error(said.trim().split('\n').slice(0, 2).join('; '));
    return '';
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value ?? (await ended);
  const ready = nextLine();
  const report = ready.then(nextLine);
  // Who waits for one of them hears of a failure there.
  for (const each of [ended, ready, report]) each.catch(() => undefined);
  return { ready, report, ended, go: () => void child.stdin.write('\n'), end: () => void child.stdin.end() };
}

/** CPU seconds once nothing is added any more: servers may have work to do behind their last reply. */
async function settled(pid: number, calmMs: number): Promise<number> {
  const end = performance.now() + SETTLE_MAX_MS;
  let last = cpuSecondsOf(pid);
  for (let calm = 0; calm < 2 && performance.now() < end; ) {
    await after(calmMs / 2);
    const cpuSeconds = cpuSecondsOf(pid);
    calm = cpuSeconds === last ? calm + 1 : 0;
    last = cpuSeconds;
  }
  return last;
}
