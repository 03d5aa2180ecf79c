/**
 * Running a program of the operator's for a verdict: without a shell, with an environment of its own, bounded in output, and
 * in a process group that is killed as a whole, so that nothing of it outlives its time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Sink } from './put.ts';

/** What is run. */
export interface ProgramRun {
  /** Absolute: no search path decides what is run. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Writes its standard input, which is closed behind it; without it there is none. A throw kills the program. The signal
   * aborts when the program has ended.
   */
  readonly feed?: ((input: Sink, signal: AbortSignal) => Promise<void>) | undefined;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface ProgramEnd {
  /** Undefined when a signal of the system ended it. */
  readonly exitCode: number | undefined;
  /** The name of that signal. */
  readonly killedBy: string | undefined;
  /** The beginning of what it wrote; the rest was read and dropped. */
  readonly output: string;
  readonly errors: string;
}

/** Protects memory from a program that writes without end. */
const OUTPUT_BYTES_MAX = 65_536;

/**
 * Runs a program to its end and the end of its group.
 *
 * @throws the system's error when it cannot be started; the signal's reason; what `feed` throws while the program still runs.
 */
export async function runProgramGroup({ program, args, env, feed, signal }: ProgramRun): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    env,
    cwd: '/',
    // A group of its own, with the program's id as its name.
    detached: true,
    stdio: [feed === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const output = beginning(child.stdout);
  const errors = beginning(child.stderr);
  const ended = Promise.withResolvers<Pick<ProgramEnd, 'exitCode' | 'killedBy'>>();
  const kill = () => killGroup(child);
  child.on('error', ended.reject);
  // What it left behind would keep its pipes open, and `close` from coming.
  child.on('exit', kill);
  child.on('close', (code, name) => ended.resolve({ exitCode: code ?? undefined, killedBy: name ?? undefined }));
  signal.addEventListener('abort', kill, { once: true });
  const over = new AbortController();
  const fed = feed === undefined ? undefined : feeding(child, feed, AbortSignal.any([signal, over.signal]));
  try {
    const end = await ended.promise;
    signal.throwIfAborted();
    over.abort(new Error('the program has ended'));
    const failure = await fed;
    if (failure !== undefined) throw failure.error;
    return { ...end, output: output(), errors: errors() };
  } finally {
    over.abort(new Error('the program has ended'));
    signal.removeEventListener('abort', kill);
    child.stdin?.destroy();
  }
}

/** Feeds a program. @returns what went wrong at this end; a program that does not read everything answers all the same. */
async function feeding(
  child: ChildProcess,
  feed: NonNullable<ProgramRun['feed']>,
  signal: AbortSignal,
): Promise<{ readonly error: unknown } | undefined> {
  const { stdin } = child;
  if (stdin === null) return undefined;
  let closed = false;
  const close = () => {
    closed = true;
  };
  stdin.on('error', close).on('close', close);
  try {
    await feed(stdin, signal);
    stdin.end();
  } catch (error) {
    if (closed || signal.aborted) return undefined;
    killGroup(child);
    return { error };
  }
  return undefined;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // There is nobody left in it.
  }
}

/** Collects the beginning of a stream and drops the rest, so that its writer never waits. */
function beginning(stream: ChildProcess['stdout']): () => string {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (piece: Buffer) => {
    if (bytes >= OUTPUT_BYTES_MAX) return;
    pieces.push(piece.subarray(0, OUTPUT_BYTES_MAX - bytes));
    bytes += piece.length;
  });
  return () => Buffer.concat(pieces).toString();
}
