/**
 * Answers of ICAP servers (RFC 3507 sections 4.3.3 and 4.4), read strictly and within bounds: whatever is not plainly an
 * answer is none. Bytes come as they come; nothing of a body is kept.
 */

/** What was answered is no ICAP. */
export class IcapBroken extends Error {
  override readonly name = 'IcapBroken';
}

/** Protects memory from headers without end. */
const HEAD_BYTES_MAX = 65_536;
/** The line before a chunk: a size, and extensions that nobody sends much of. */
const CHUNK_LINE_BYTES_MAX = 1_024;

/** Where bytes come from: the next ones, or undefined at the end. */
export type ByteSource = () => Promise<Buffer | undefined>;

/** A first line and the headers below it; names in small letters, several of one name joined with commas. */
export interface Head {
  readonly first: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** The head of an ICAP answer. */
export interface IcapHead extends Head {
  readonly code: number;
}

/** The sections of a body, in the words of the header `Encapsulated`. */
export interface Encapsulated {
  /** The HTTP head in front of the body, and how many bytes it has; none when it was left out. */
  readonly head: { readonly kind: 'req-hdr' | 'res-hdr'; readonly bytes: number } | undefined;
  readonly body: 'none' | 'chunked';
}

/** Reads parts of known form from bytes in pieces of any size. */
export class ByteReader {
  readonly #source: ByteSource;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Everything up to a mark, without it. @throws IcapBroken when it does not come within `bytesMax` or before the end. */
  async until(mark: string, bytesMax: number): Promise<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(mark, 0, 'latin1');
      if (at > bytesMax || (at < 0 && this.#rest.length > bytesMax + mark.length)) {
        throw new IcapBroken('a part of the answer is too long');
      }
      if (at >= 0) {
        const part = this.#rest.subarray(0, at);
        this.#rest = this.#rest.subarray(at + mark.length);
        return part;
      }
      await this.#more();
    }
  }

  /** So many bytes, piece by piece. @throws IcapBroken when the end comes before. */
  async *exactly(bytes: number): AsyncGenerator<Buffer, void, void> {
    let missing = bytes;
    while (missing > 0) {
      if (this.#rest.length === 0) await this.#more();
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  async #more(): Promise<void> {
    const piece = await this.#source();
    if (piece === undefined) throw new IcapBroken('the connection was closed before the answer was whole');
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
  }
}

/** Reads the head of an answer. @throws IcapBroken. */
export async function readIcapHead(reader: ByteReader): Promise<IcapHead> {
  const { first, headers } = parseHead((await reader.until('\r\n\r\n', HEAD_BYTES_MAX)).toString('latin1'));
  const code = /^ICAP\/1\.0 ([1-5]\d\d)(?: |$)/.exec(first)?.[1];
  if (code === undefined) throw new IcapBroken('the answer is not one of ICAP/1.0');
  return { first, headers, code: Number(code) };
}

/** Parses a head, without the empty line at its end. Lines that continue one before are joined. @throws IcapBroken. */
export function parseHead(text: string): Head {
  const [first = '', ...lines] = text.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  if (/[\0\r\n]/.test(first)) throw new IcapBroken('the first line of a head is broken');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)$/.exec(line) ?? [];
    if (name === undefined) throw new IcapBroken('a header is broken');
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value.trim() : `${before}, ${value.trim()}`);
  }
  return { first, headers };
}

/** Parses the header `Encapsulated` (RFC 3507 section 4.4.1) of an answer. @throws IcapBroken. */
export function parseEncapsulated(value: string | undefined): Encapsulated {
  const forms = /^(?:(req-hdr|res-hdr)=0, *)?(null-body|req-body|res-body)=(\d{1,6})$/i.exec(value?.trim() ?? '');
  if (forms === null) throw new IcapBroken('the header Encapsulated is missing or broken');
  const [, head, body = '', offset] = forms;
  const bytes = Number(offset);
  if (bytes > HEAD_BYTES_MAX || (head === undefined && bytes !== 0)) {
    throw new IcapBroken('the header Encapsulated is broken');
  }
  const kind = head?.toLowerCase() === 'req-hdr' ? 'req-hdr' : 'res-hdr';
  return {
    head: head === undefined ? undefined : { kind, bytes },
    body: body.toLowerCase() === 'null-body' ? 'none' : 'chunked',
  };
}

/** Reads the HTTP head of a body. @throws IcapBroken when it is none, or not as long as it was said to be. */
export async function readHttpHead(reader: ByteReader, bytes: number): Promise<Head> {
  const pieces: Buffer[] = [];
  for await (const piece of reader.exactly(bytes)) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('latin1');
  if (!text.endsWith('\r\n\r\n')) throw new IcapBroken('the HTTP head in the answer does not end where it was said to');
  return parseHead(text.slice(0, -4));
}

/** Reads a chunked body to its end, trailers included. @throws IcapBroken. */
export async function* chunkedBody(reader: ByteReader): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const line = (await reader.until('\r\n', CHUNK_LINE_BYTES_MAX)).toString('latin1');
    const size = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\0\r\n]*)?$/.exec(line)?.[1];
    if (size === undefined) throw new IcapBroken('a chunk has no size');
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) break;
    yield* reader.exactly(bytes);
    if ((await reader.until('\r\n', 0)).length > 0) throw new IcapBroken('a chunk is longer than its size');
  }
  for (let bytes = 0; ; ) {
    const trailer = await reader.until('\r\n', HEAD_BYTES_MAX - bytes);
    if (trailer.length === 0) return;
    bytes += trailer.length;
    if (bytes >= HEAD_BYTES_MAX) throw new IcapBroken('the trailers of the answer are too long');
  }
}
