/**
 * DER, the distinguished encoding of ASN.1 (X.690), as far as certificates and what is said of them need it: values are
 * read from and written to bytes, and whatever is not plainly right is an error.
 */

/** Tags of the universal class, with the bit of constructed values where they have it. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A value that was read: what it is, and its bytes. */
export interface DerValue {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Buffer;
  /** With them. */
  readonly whole: Buffer;
}

/** Thrown for bytes that are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Reads the one value that the bytes are. @throws DerError when they are something else, or more. */
export function readDer(bytes: Buffer): DerValue {
  const { value, end } = readAt(bytes, 0);
  if (end !== bytes.length) throw new DerError('there are bytes behind the value');
  return value;
}

/** The values in a constructed value, which must have this tag. @throws DerError. */
export function derChildren(value: DerValue | undefined, tag: number): readonly DerValue[] {
  const { content } = expectTag(value, tag);
  const children: DerValue[] = [];
  for (let offset = 0; offset < content.length; ) {
    if (children.length === CHILDREN_MAX) throw new DerError(`a value has more than ${CHILDREN_MAX} parts`);
    const { value: child, end } = readAt(content, offset);
    children.push(child);
    offset = end;
  }
  return children;
}

/** The content of a value that must have this tag. @throws DerError. */
export function derContent(value: DerValue | undefined, tag: number): Buffer {
  return expectTag(value, tag).content;
}

/** An object identifier in dotted form. @throws DerError. */
export function derOid(value: DerValue | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  let open = true;
  for (const byte of derContent(value, DER.oid)) {
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new DerError('an object identifier is too large');
    open = (byte & 0x80) !== 0;
    if (open) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  if (open) throw new DerError('an object identifier has no end');
  return arcs.join('.');
}

/** The bytes of a bit string that is made of whole bytes. @throws DerError. */
export function derBits(value: DerValue | undefined): Buffer {
  const content = derContent(value, DER.bitString);
  if (content[0] !== 0) throw new DerError('a bit string does not end with a whole byte');
  return content.subarray(1);
}

/** A GeneralizedTime in the one form that certificates use, in milliseconds since 1970 (UTC). @throws DerError. */
export function derTime(value: DerValue | undefined): number {
  const text = derContent(value, DER.generalizedTime).toString('latin1');
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw new DerError('a time is written in another form than YYYYMMDDHHMMSSZ');
  return time;
}

/** Writes a value; the contents are joined. */
export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

/** Writes an object identifier that is given in dotted form. */
export function oidDer(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(DER.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A bound for hostile input; no certificate or answer about one has near as many. */
const CHILDREN_MAX = 10_000;

function readAt(bytes: Buffer, start: number): { readonly value: DerValue; readonly end: number } {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError('a value is cut off');
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag is of more than one byte');
  const lengthSize = first < 0x80 ? 0 : first & 0x7f;
  // An indefinite length (0x80) is BER, and four bytes are more than any of our bounds.
  if (first === 0x80 || lengthSize > 4 || start + 2 + lengthSize > bytes.length)
    throw new DerError('a length is wrong');
  const length = lengthSize === 0 ? first : bytes.readUIntBE(start + 2, lengthSize);
  if (lengthSize > 0 && (length < 0x80 || length < 256 ** (lengthSize - 1))) {
    throw new DerError('a length is not written in the shortest form');
  }
  const begin = start + 2 + lengthSize;
  const end = begin + length;
  if (end > bytes.length) throw new DerError('a value is cut off');
  return { value: { tag, content: bytes.subarray(begin, end), whole: bytes.subarray(start, end) }, end };
}

function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (value?.tag === tag) return value;
  throw new DerError(`expected the tag ${tag}, found ${value === undefined ? 'nothing' : value.tag}`);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
}
