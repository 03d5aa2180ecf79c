/**
 * A program of the operator's that takes published files on: run without a shell, with an environment of its own, for each
 * file. Exit code 0 means that it has it; everything else is tried again.
 */
import { z } from 'zod';
import { programFailure, runFileProgram } from '../lib/file-program.ts';
import { type Contents, verify } from './contents.ts';
import { deliveryKeys, type Parcel, refuseCrossedWaits, SHOWN_CHARACTERS_MAX, type Way, type WayParts } from './way.ts';

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
      const end = await runFileProgram({
        ...{ program, args, path, clock, idleMs: timeoutMs, signal },
        env: environmentOf(parcel, options.name, contents),
        // A file that turns out to be another one kills the program.
        content: () => contents.read(),
      });
      if (end.exitCode === 0) return;
      throw programFailure(program, end, SHOWN_CHARACTERS_MAX);
    },
  };
}

/** What the program is told in its environment. */
function environmentOf({ key, attempt, published }: Parcel, name: string, contents: Contents): Record<string, string> {
  return {
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
  };
}
