/**
 * A program of the operator's that takes published files on: run without a shell, with an environment of its own, for each
 * file. Exit code 0 means that it has it; everything else is tried again.
 */
import { z } from 'zod';
import { runProgramGroup } from '../lib/process-group.ts';
import { put, type Sink } from '../lib/put.ts';
import { untilAborted } from '../lib/until-aborted.ts';
import { type Contents, verify } from './contents.ts';
import { deliveryKeys, type Parcel, refuseCrossedWaits, shown, type Way, type WayParts } from './way.ts';

/** What stands in the arguments for the file, and what it is when that comes on standard input. */
const FILE = '{file}';
const STDIN = '-';

/** A program. */
export const commandEntry = z
  .strictObject({
    kind: z.literal('command'),
    ...deliveryKeys,
    /** The program. Absolute: no search path decides what is run. */
    program: z
      .string()
      .max(4_096)
      .regex(/^\/[^\0]+$/, { error: 'must be an absolute path' }),
    /** Its arguments; `{file}` in them stands for the file. */
    args: z
      .array(
        z
          .string()
          .max(4_096)
          .regex(/^[^\0]*$/, { error: 'must not hold NUL' }),
      )
      .max(64)
      .default([]),
    /** Whether it is given the file by its path, where it has one, or always on standard input. */
    input: z.enum(['path', 'stdin']).default('path'),
  })
  .superRefine(refuseCrossedWaits);

/** A program, checked and with its defaults. */
export type CommandOptions = z.output<typeof commandEntry>;

/** Runs a program. */
export function command(options: CommandOptions, { clock }: WayParts): Way {
  const { program, args, input, timeoutMs } = options;
  return {
    ...options,
    async handOn(parcel, signal) {
      await using contents = await parcel.contents();
      const path = input === 'path' ? contents.onDisk : undefined;
      // Given by its path it is read by somebody else, and so looked at before.
      if (path !== undefined) await verify(contents, signal);
      // A file that turns out to be another one kills the program before it is told that this was all.
      const feed = async (sink: Sink, running: AbortSignal) => {
        for await (const piece of untilAborted(contents.read(), running)) {
          await put(sink, piece, { clock, idleMs: timeoutMs, signal: running });
        }
      };
      const end = await runProgramGroup({
        program,
        args: args.map((arg) => arg.replaceAll(FILE, () => path ?? STDIN)),
        env: environmentOf(parcel, { ...options, path, contents }),
        feed: path === undefined ? feed : undefined,
        signal,
      });
      if (end.exitCode === 0) return;
      const how = end.exitCode === undefined ? `was ended by ${end.killedBy}` : `ended with ${end.exitCode}`;
      throw new Error(`${program} ${how}: ${shown(end.errors) || 'it said nothing'}`);
    },
  };
}

/** The whole environment of the program; the gateway's own is nobody's business. */
function environmentOf(
  { key, attempt, published }: Parcel,
  { name, path, contents }: { readonly name: string; readonly path: string | undefined; readonly contents: Contents },
): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    SALLYPORT_DELIVERY: name,
    SALLYPORT_DELIVERY_KEY: key,
    SALLYPORT_ATTEMPT: String(attempt),
    SALLYPORT_UPLOAD: published.upload,
    SALLYPORT_RECORD: String(published.index),
    SALLYPORT_ACCOUNT: published.account,
    SALLYPORT_PATH: published.path,
    SALLYPORT_BYTES: String(published.bytes),
    SALLYPORT_SHA256: published.sha256,
    SALLYPORT_STORED_BYTES: String(contents.bytes),
    SALLYPORT_STORED_SHA256: published.storedSha256,
    SALLYPORT_PUBLISHED: new Date(published.timeMs).toISOString(),
    ...(path !== undefined && { SALLYPORT_FILE: path }),
  };
}
