/** A program of the operator's that is given one file: by its path in the arguments, or on its standard input. */
import type { Clock } from './clock.ts';
import { excerpt } from './printable.ts';
import { type ProgramEnd, runProgramGroup } from './process-group.ts';
import { put, type Sink } from './put.ts';
import { untilAborted } from './until-aborted.ts';

/** What stands in the arguments for the file. */
const FILE = '{file}';
/**
 * What it is when the file comes on standard input, as most programs write that. `/dev/stdin` could not be opened: Node gives a
 * program a socket.
 */
const STDIN = '-';

/** What is run, and for which file. */
export interface FileProgram {
  /** Absolute. */
  readonly program: string;
  /** `{file}` in them stands for the file. */
  readonly args: readonly string[];
  /** Its environment beside PATH, LC_ALL and SALLYPORT_FILE; the gateway's own is nobody's business. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the file lies on the disk; undefined gives it on standard input. */
  readonly path: string | undefined;
  /** The bytes for standard input. What it throws kills the program before that is told that this was all. */
  content(): AsyncIterable<Buffer>;
  readonly clock: Clock;
  /** How long it may take nothing of what it is given, in milliseconds. */
  readonly idleMs: number;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/** Runs it to its end. @throws as `runProgramGroup`. */
export function runFileProgram({
  program,
  path,
  content,
  clock,
  idleMs,
  signal,
  ...rest
}: FileProgram): Promise<ProgramEnd> {
  const feed = async (input: Sink, running: AbortSignal) => {
    for await (const piece of untilAborted(content(), running))
      await put(input, piece, { clock, idleMs, signal: running });
  };
  return runProgramGroup({
    program,
    args: rest.args.map((arg) => arg.replaceAll(FILE, () => path ?? STDIN)),
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      ...rest.env,
      ...(path !== undefined && { SALLYPORT_FILE: path }),
    },
    feed: path === undefined ? feed : undefined,
    signal,
  });
}

/** What went wrong with a program whose exit code is no answer, with so many characters of its own words. */
export function programFailure(program: string, end: ProgramEnd, charactersMax: number): Error {
  const how = end.exitCode === undefined ? `was ended by ${end.killedBy}` : `ended with ${end.exitCode}`;
  return new Error(`${program} ${how}: ${excerpt(end.errors, charactersMax) || 'it said nothing'}`);
}
