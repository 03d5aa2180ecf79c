/**
 * Offsets in TYPE A: SIZE and REST count octets as they are transferred, line ends as CRLF, while a file at rest has LF
 * (RFC 3659 sections 4 and 5.3). Only reading the file can turn one count into the other.
 */

const CR = 0x0d;
const LF = 0x0a;
const CRLF = '\r\n';

/** What a file, or the beginning of one, is in TYPE A. */
export interface AsciiCount {
  /** Octets that would be transferred. */
  readonly octets: number;
  /**
   * Whether a sender's own count must be the same. It need not be when a CRLF is at rest: that came as CR CR LF and goes
   * out as CR LF.
   */
  readonly exact: boolean;
}

/** A place in a file at rest, found by its offset in TYPE A. */
export interface AsciiPlace {
  readonly offsetBytes: number;
  /** Whether the octet before it was a CR, the file's own or that of a line end whose LF comes next. */
  readonly afterCr: boolean;
}

/** Counts the octets that the bytes would be in TYPE A. @throws whatever `pieces` throws; the signal's reason. */
export async function countAscii(pieces: AsyncIterable<Buffer>, signal: AbortSignal): Promise<AsciiCount> {
  let octets = 0;
  let exact = true;
  let afterCr = false;
  for await (const piece of pieces) {
    signal.throwIfAborted();
    if (piece.length === 0) continue;
    exact &&= !(afterCr && piece[0] === LF) && !piece.includes(CRLF);
    octets += piece.length + bareLineEnds(piece, afterCr);
    afterCr = piece.at(-1) === CR;
  }
  return { octets, exact };
}

/**
 * The place in the file behind the first `octets` octets of its transfer in TYPE A; undefined when it has fewer.
 *
 * @throws whatever `pieces` throws; the signal's reason.
 */
export async function findAscii(
  pieces: AsyncIterable<Buffer>,
  octets: number,
  signal: AbortSignal,
): Promise<AsciiPlace | undefined> {
  let place: AsciiPlace = { offsetBytes: 0, afterCr: false };
  let left = octets;
  if (left === 0) return place;
  for await (const piece of pieces) {
    signal.throwIfAborted();
    if (piece.length === 0) continue;
    const length = piece.length + bareLineEnds(piece, place.afterCr);
    if (left <= length) {
      const found = within(piece, left, place.afterCr);
      return { offsetBytes: place.offsetBytes + found.offsetBytes, afterCr: found.afterCr };
    }
    left -= length;
    place = { offsetBytes: place.offsetBytes + piece.length, afterCr: piece.at(-1) === CR };
  }
  return undefined;
}

/** The LFs that would be given a CR. */
function bareLineEnds(piece: Buffer, afterCr: boolean): number {
  let count = 0;
  for (let lf = piece.indexOf(LF); lf !== -1; lf = piece.indexOf(LF, lf + 1)) {
    if (!(lf === 0 ? afterCr : piece[lf - 1] === CR)) count += 1;
  }
  return count;
}

/** `findAscii` within a piece that holds the place; `octets` is at least 1. */
function within(piece: Buffer, octets: number, cameAfterCr: boolean): AsciiPlace {
  let afterCr = cameAfterCr;
  let left = octets;
  for (let index = 0; ; index++) {
    if (piece[index] === LF && !afterCr) {
      // The place may lie between the CR that is not there and the LF that is.
      if (left === 1) return { offsetBytes: index, afterCr: true };
      left -= 1;
    }
    afterCr = piece[index] === CR;
    left -= 1;
    if (left === 0) return { offsetBytes: index + 1, afterCr };
  }
}
