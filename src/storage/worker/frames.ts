/**
 * Frames on the channel between the gateway and a worker: two lengths of 4 bytes each, most significant byte first, then
 * the header in JSON, then the body in raw bytes, so that file contents are never turned into text.
 */
import { assert } from '../../lib/assert.ts';

/** Longest header, in bytes: 128 entries of a listing with the longest names, every character escaped, are a fifth of it. */
export const HEADER_BYTES_MAX = 1_048_576;

/** Longest body, in bytes. Contents are moved in pieces of about 1 MiB; protects memory from a worker gone wrong. */
export const BODY_BYTES_MAX = 2_097_152;

/** One message. The body is the receiver's own. */
export interface Frame {
  readonly header: unknown;
  readonly body: Buffer;
}

/** Thrown for bytes that are no frame: the channel cannot be read any further. */
export class FrameRefused extends Error {
  override readonly name = 'FrameRefused';
}

/** The bytes of a frame, to be written in this order. The body's buffers are not copied. */
export function encodeFrame(header: object, body: readonly Buffer[] = []): Buffer[] {
  const text = Buffer.from(JSON.stringify(header));
  const bodyBytes = body.reduce((sum, { length }) => sum + length, 0);
  assert(text.length <= HEADER_BYTES_MAX && bodyBytes <= BODY_BYTES_MAX, 'a frame is within its bounds');
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(text.length, 0);
  lengths.writeUInt32BE(bodyBytes, 4);
  return [Buffer.concat([lengths, text]), ...body];
}

/** Puts frames together again, however the bytes were split on the way. */
export class FrameReader {
  readonly #lengths = new Part(LENGTHS_BYTES);
  #header: Part | undefined;
  #body: Part | undefined;

  /** The frames that end in these bytes. @throws FrameRefused; the reader is of no more use then. */
  push(bytes: Buffer): Frame[] {
    const frames: Frame[] = [];
    let rest = bytes;
    do {
      rest = this.#take(rest);
      if (this.#header?.full && this.#body?.full) frames.push(this.#finish(this.#header, this.#body));
    } while (rest.length > 0);
    return frames;
  }

  #take(bytes: Buffer): Buffer {
    if (!this.#lengths.full) {
      const rest = this.#lengths.fill(bytes);
      if (this.#lengths.full) this.#begin();
      return rest;
    }
    return this.#header?.full ? (this.#body?.fill(bytes) ?? bytes) : (this.#header?.fill(bytes) ?? bytes);
  }

  #begin(): void {
    const headerBytes = this.#lengths.bytes.readUInt32BE(0);
    const bodyBytes = this.#lengths.bytes.readUInt32BE(4);
    // Before any memory is taken for it.
    if (headerBytes === 0 || headerBytes > HEADER_BYTES_MAX) throw new FrameRefused(`a header of ${headerBytes} bytes`);
    if (bodyBytes > BODY_BYTES_MAX) throw new FrameRefused(`a body of ${bodyBytes} bytes`);
    this.#header = new Part(headerBytes);
    this.#body = new Part(bodyBytes);
  }

  #finish(header: Part, body: Part): Frame {
    this.#header = undefined;
    this.#body = undefined;
    this.#lengths.reset();
    return { header: parsed(header.bytes), body: body.bytes };
  }
}

const LENGTHS_BYTES = 8;

/** So many bytes, as they come in. */
class Part {
  readonly bytes: Buffer;
  #filledBytes = 0;

  constructor(lengthBytes: number) {
    // Not from the shared pool: a piece may be kept for as long as its consumer likes.
    this.bytes = Buffer.allocUnsafeSlow(lengthBytes);
  }

  get full(): boolean {
    return this.#filledBytes === this.bytes.length;
  }

  /** Takes what is missing. @returns what is left of the bytes. */
  fill(bytes: Buffer): Buffer {
    const takenBytes = bytes.copy(this.bytes, this.#filledBytes);
    this.#filledBytes += takenBytes;
    return bytes.subarray(takenBytes);
  }

  reset(): void {
    this.#filledBytes = 0;
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new FrameRefused('a header that is no JSON', { cause });
  }
}
