/**
 * Checks what a schema cannot see: that the directories which a configuration names are there and of use; certificates
 * are looked at in `certificate-files.ts`. It looks at whatever could be read, also when other parts are wrong, so that all
 * mistakes show at once.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { whyNot } from './bounded-file.ts';
import type { KeyPath } from './key-names.ts';

/** A mistake whose place in the file is known by its path alone. */
export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
}

/** What the checks need to know. */
export interface RealityOptions {
  /** The folder that relative paths at a place are relative to: that of the file in which they stand. */
  baseDirAt(path: KeyPath): string;
  /** Now, in milliseconds since 1970 (UTC). */
  readonly nowMs: number;
}

/** Checks that the home of every user is a directory. The value need not be valid otherwise. */
export async function homeFindings(
  value: unknown,
  { baseDirAt }: Pick<RealityOptions, 'baseDirAt'>,
): Promise<Finding[]> {
  const { users = [] } = sketch.parse(value);
  const findings = users.map(async ({ home }, index) => {
    const path = ['users', index, 'home'];
    const message = home ? await notADirectory(resolve(baseDirAt(path), home)) : undefined;
    return message === undefined ? [] : [{ path, message }];
  });
  return (await Promise.all(findings)).flat();
}

/** The longest state directory, in bytes: the control socket in it has a path as well, which no system lets be longer than 103. */
const STATE_DIRECTORY_BYTES_MAX = 90;

/** Checks that the control socket in the state directory, which is there when nothing is said, can have its path. */
export function stateFindings(directory: string): Finding[] {
  const bytes = Buffer.byteLength(directory);
  if (bytes <= STATE_DIRECTORY_BYTES_MAX) return [];
  const bound = `at most ${STATE_DIRECTORY_BYTES_MAX} bytes, for the control socket in it`;
  return [{ path: ['stateDirectory'], message: `must be a path of ${bound}, and has ${bytes}: ${directory}` }];
}

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    users: z
      .array(z.object({ home: z.string().optional().catch(undefined) }).catch({}))
      .optional()
      .catch(undefined),
  })
  .catch({});

async function notADirectory(folder: string): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : `is not a directory: ${folder}`;
  } catch (error) {
    return `${whyNot(error)}: ${folder}`;
  }
}
