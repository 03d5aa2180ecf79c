/**
 * TYPE A: lines end in CRLF on the wire and in LF at rest (RFC 959 section 3.1.1.1). Both converters take a stream in
 * pieces of any size and give the same bytes however it was split. They look for line ends with `Buffer.indexOf` and
 * move what lies between in one go: a loop over bytes costs many times as much.
 */

const CR = 0x0d;
const LF = 0x0a;
const CRLF = '\r\n';

/** Turns CRLF into LF, for what is received. A CR without an LF behind it is data and stays. */
export class CrlfToLf {
  #heldCr = false;

  /** The converted bytes. Works in place: `buffer` must be the caller's own and is not to be used again. */
  push(buffer: Buffer): readonly Buffer[] {
    if (buffer.length === 0) return [];
    const before = this.#heldCr && buffer[0] !== LF ? [Buffer.of(CR)] : [];
    // Only the next piece can tell whether a CR at the very end belongs to a line end.
    this.#heldCr = buffer[buffer.length - 1] === CR;
    const bytes = this.#heldCr ? buffer.subarray(0, -1) : buffer;
    return [...before, withoutCarriageReturns(bytes)];
  }

  /** What was held back, at the end of data. */
  end(): readonly Buffer[] {
    const rest = this.#heldCr ? [Buffer.of(CR)] : [];
    this.#heldCr = false;
    return rest;
  }
}

/** Turns LF into CRLF, for what is sent. A CRLF that is there already is not doubled. */
export class LfToCrlf {
  #endedInCr: boolean;

  /** @param start whether what was sent before ended in a CR, an LF behind which needs none; not so at the beginning. */
  constructor({ afterCr }: { readonly afterCr: boolean } = { afterCr: false }) {
    this.#endedInCr = afterCr;
  }

  /** The converted bytes; the buffer itself when nothing had to be changed. */
  push(buffer: Buffer): Buffer {
    if (buffer.length === 0) return buffer;
    let lf = buffer.indexOf(LF);
    const cameAfterCr = this.#endedInCr;
    this.#endedInCr = buffer[buffer.length - 1] === CR;
    if (lf === -1) return buffer;

    const converted = Buffer.allocUnsafe(buffer.length * 2);
    let length = 0;
    let from = 0;
    for (; lf !== -1; lf = buffer.indexOf(LF, from)) {
      length += buffer.copy(converted, length, from, lf);
      const afterCr = lf === 0 ? cameAfterCr : buffer[lf - 1] === CR;
      if (!afterCr) converted[length++] = CR;
      converted[length++] = LF;
      from = lf + 1;
    }
    length += buffer.copy(converted, length, from);
    return converted.subarray(0, length);
  }
}

/** Closes the gaps that the CRs of all CRLFs leave, in place. */
function withoutCarriageReturns(bytes: Buffer): Buffer {
  let crlf = bytes.indexOf(CRLF);
  if (crlf === -1) return bytes;
  let length = crlf;
  while (crlf !== -1) {
    const next = bytes.indexOf(CRLF, crlf + 2);
    const to = next === -1 ? bytes.length : next;
    bytes.copyWithin(length, crlf + 1, to);
    length += to - (crlf + 1);
    crlf = next;
  }
  return bytes.subarray(0, length);
}
