/**
 * How far a delivery has come in the audit log. Inboxes go on side by side, so that what is finished is not simply everything
 * before some record: what is remembered is up to where the log was read, and the stretches in it of which nothing is finished.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { readText, replaceFile } from './lasting-file.ts';

/** Indices, both included. */
export type Stretch = readonly [first: number, last: number];

const index = z.int().min(0);

const cursorSchema = z.strictObject({
  version: z.literal(1),
  /** Up to where the log was read. */
  next: index,
  /** Stretches before it in which everything for this delivery is unfinished; behind `next` everything is. */
  unfinished: z.array(z.tuple([index, index])),
  /** Those of them that were tried, and failed. */
  failing: z.array(
    z.strictObject({
      index,
      attempts: z.int().min(1),
      sinceMs: z.number(),
      notBeforeMs: z.number(),
      reason: z.string(),
    }),
  ),
});

/** See above. */
export type Cursor = Omit<z.output<typeof cursorSchema>, 'version'>;

const FILE = 'cursor.json';

/**
 * Reads the cursor in a folder; undefined when there is none yet. @throws Error when there is one that cannot be understood:
 * to begin anew would lose files or bring them all again, and which, only an operator can say.
 */
export async function readCursor(folder: string): Promise<Cursor | undefined> {
  const path = join(folder, FILE);
  const text = await readText(path);
  if (text === undefined) return undefined;
  const { version: _, ...cursor } = understood(text, path);
  return cursor;
}

/** Writes it, so that it lasts. */
export async function writeCursor(folder: string, cursor: Cursor): Promise<void> {
  await replaceFile(join(folder, FILE), JSON.stringify({ version: 1, ...cursor }));
}

/** Where the log has to be read from. */
export function beginningOf({ next, unfinished }: Cursor): number {
  return Math.min(next, ...unfinished.slice(0, 1).map(([first]) => first));
}

/** Whether what stands there for the delivery is unfinished. */
export function isUnfinished({ next, unfinished }: Cursor, index: number): boolean {
  if (index >= next) return true;
  // Stretches are in order: the last one that begins before it decides.
  let [low, high] = [0, unfinished.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((unfinished[middle]?.[0] ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return index <= (unfinished[low - 1]?.[1] ?? -1);
}

function understood(text: string, path: string): z.output<typeof cursorSchema> {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} cannot be understood: remove it to begin at the current end of the log`, { cause });
  }
}
