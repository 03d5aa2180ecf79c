/**
 * A program of the operator's as a gate: run without a shell, with an environment of its own, for each file once. It says
 * what it thinks with its exit code.
 */
import { z } from 'zod';
import { within } from '../../lib/deadline.ts';
import { programFailure, runFileProgram } from '../../lib/file-program.ts';
import { defineGate, type Gate, type GateItem } from '../../spi/gate.ts';
import { arrivedBefore, type GateParts, gateKeys, inTurn, SHOWN_CHARACTERS_MAX, shown } from './gate-keys.ts';

/** A program. */
export const commandEntry = z.strictObject({
  kind: z.literal('command'),
  ...gateKeys,
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
});

/** A program, checked and with its defaults. */
export type CommandOptions = z.output<typeof commandEntry>;

/** Asks a program: exit code 0 passes, 1 refuses, and everything else is no answer. */
export function commandGate(options: CommandOptions, { clock }: GateParts): Gate {
  const { name, deadlineMs, program } = options;
  return inTurn(
    options.parallelMax,
    defineGate({
      name,
      deadlineMs,
      async inspect(item, signal) {
        const path = options.input === 'path' ? item.onDisk : undefined;
        const end = await runFileProgram({
          ...{ program, args: options.args, path, clock, idleMs: deadlineMs, signal },
          env: await environmentOf(item, path, signal),
          content: () => item.content,
        });
        if (end.exitCode === 0) return { verdict: 'pass' };
        if (end.exitCode === 1) {
          const [line = ''] = end.output.trim().split('\n');
          return { verdict: 'refuse', reason: shown(line) || 'the program refused' };
        }
        throw programFailure(program, end, SHOWN_CHARACTERS_MAX);
      },
    }),
  );
}

/** What the program is told in its environment. */
async function environmentOf(
  item: GateItem,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  // What lies on the disk has arrived; what is fed to the program may be on its way.
  const arrived = path === undefined ? await arrivedBefore(item) : await within(signal, () => item.arrived);
  return {
    SALLYPORT_UPLOAD: item.id,
    SALLYPORT_ACCOUNT: item.account,
    SALLYPORT_PATH: item.path,
    ...(item.address !== undefined && { SALLYPORT_ADDRESS: item.address }),
    ...(arrived !== undefined && { SALLYPORT_BYTES: String(arrived.bytes), SALLYPORT_SHA256: arrived.sha256 }),
  };
}
