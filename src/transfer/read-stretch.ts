/** Reading a part of a file that has an end. */
import type { OpenedFile } from '../spi/file-system.ts';

/** Bytes `startBytes` of a file up to, and without, `endBytes`. */
export interface Stretch {
  readonly startBytes: number;
  readonly endBytes: number;
}

/** The bytes of the stretch, as far as the file has them, in pieces that are the reader's own. @throws whatever the file throws. */
export async function* readStretch(opened: OpenedFile, { startBytes, endBytes }: Stretch): AsyncGenerator<Buffer> {
  let leftBytes = endBytes - startBytes;
  if (leftBytes <= 0) return;
  for await (const piece of opened.read(startBytes)) {
    yield leftBytes < piece.length ? piece.subarray(0, leftBytes) : piece;
    leftBytes -= piece.length;
    if (leftBytes <= 0) return;
  }
}
