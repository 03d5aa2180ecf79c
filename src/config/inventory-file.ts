/** Checks where the inventory of TLS is to be kept: the file may be missing, the folder may not. */
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { whyNot } from './bounded-file.ts';
import type { Finding, RealityOptions } from './reality.ts';

/** What is wrong with the place of `tls.inventory_file`. The value need not be valid otherwise. */
export async function inventoryFindings(
  value: unknown,
  { baseDirAt }: Pick<RealityOptions, 'baseDirAt'>,
): Promise<Finding[]> {
  const written = sketch.parse(value).tls?.inventoryFile;
  if (!written) return [];
  const path = ['tls', 'inventoryFile'];
  const file = resolve(baseDirAt(path), written);
  const find = (message: string) => [{ path, message }];
  try {
    if (!(await stat(dirname(file))).isDirectory()) return find(`is not in a directory: ${file}`);
  } catch (error) {
    return find(`its directory ${whyNot(error)}: ${dirname(file)}`);
  }
  const there = await stat(file).catch(() => undefined);
  return there === undefined || there.isFile() ? [] : find(`is not a file: ${file}`);
}

const sketch = z
  .object({
    tls: z
      .object({ inventoryFile: z.string().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .catch({});
