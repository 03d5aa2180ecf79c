/** Servers as processes: started, waited for until they listen, and stopped by their number and no other's. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown } from 'node:fs/promises';
import { setTimeout as after } from 'node:timers/promises';
import { MODERN, PASSWORD, type Running, USER } from './contestant.ts';
import { isListening } from './server-ports.ts';

/** A program that will listen on a port of this machine. */
export interface ServerProgram {
  readonly name: string;
  readonly port: number;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** How long a server may take until it listens, and until it has heeded SIGTERM. */
const START_MAX_MS = 30_000;
const STOP_MAX_MS = 5_000;
/** What is kept of what a server says, for the message when it fails. */
const SAID_CHARACTERS_MAX = 2_000;

/** Starts a program. @throws Error with what it said when it ends, or does not listen in time. */
export async function startServer({ name, port, program, args, env }: ServerProgram): Promise<Running> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-SAID_CHARACTERS_MAX);
    });
  }
  const closed = once(child, 'close');
  try {
    await Promise.race([listening(child, port), closed]);
  } catch (error) {
    await stop(child);
    throw error;
  }
  if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}: ${said.trim()}`);
  const { pid = 0 } = child;
  return {
    ...{ name, port, user: USER, password: PASSWORD, directory: '', pid, manner: MODERN, metricsUrl: undefined },
    stop: () => stop(child),
  };
}

/** What a program says of its version; undefined when it cannot be run, or says nothing of the kind. */
export function saidVersion(command: readonly string[], pattern: RegExp, env: NodeJS.ProcessEnv = {}) {
  try {
    // Some tell it on standard error, and end with a failure behind it.
    const args = ['-c', '"$0" "$@" 2>&1 0>&1 || true', ...command];
    return pattern.exec(execFileSync('sh', args, { env: { ...process.env, ...env } }).toString())?.[1];
  } catch {
    // A shell that cannot be started tells no version either.
    return undefined;
  }
}

/** Gives a home to the user that a server becomes; without the right to do so the server cannot become that user anyway. */
export async function giveTo(home: string, id: number): Promise<void> {
  await chown(home, id, id);
  await chmod(home, 0o755);
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + START_MAX_MS;
  while (!hasEnded(child)) {
    if (await isListening({ port })) return;
    if (performance.now() > end) throw new Error(`it does not listen ${START_MAX_MS / 1_000} s behind its start`);
    await after(20);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([ended, after(STOP_MAX_MS, undefined, { ref: false })]);
  if (!hasEnded(child)) child.kill('SIGKILL');
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
