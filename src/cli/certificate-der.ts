/** DER as certificates, requests and revocation lists use it, beyond the plain values of `lib/der.ts`. */
import { DER, DerError, type DerValue, der, derChildren, derContent, oidDer } from '../lib/der.ts';

/** Tags of texts and of times with two digits for the year. */
export const TEXT_TAG = { utf8: 0x0c, printable: 0x13, teletex: 0x14, ia5: 0x16, utcTime: 0x17, bmp: 0x1e } as const;

/** A SEQUENCE of these values. */
export function sequence(...contents: readonly Buffer[]): Buffer {
  return der(DER.sequence, ...contents);
}

/** An OCTET STRING of these bytes. */
export function octetString(...contents: readonly Buffer[]): Buffer {
  return der(DER.octetString, ...contents);
}

/** The tag `[number]` around whole values. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

/** The tag `[number]` in place of that of a value without parts. */
export function primitiveContextTag(number: number): number {
  return 0x80 | number;
}

/** TRUE. A field whose default is FALSE is left out in place of writing that. */
export function derTrue(): Buffer {
  return der(DER.boolean, Buffer.from([0xff]));
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Buffer): Buffer {
  return der(DER.bitString, Buffer.from([0]), bytes);
}

/** A BIT STRING with these bits set, without the zeros behind the last of them. */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(-1, ...bits);
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const bit of bits) bytes.writeUInt8(bytes.readUInt8(bit >> 3) | (0x80 >> (bit & 7)), bit >> 3);
  return der(DER.bitString, Buffer.from([last < 0 ? 0 : 7 - (last & 7)]), bytes);
}

/** A number that is not negative, itself or in hexadecimal. `tag` is another one for ENUMERATED. */
export function integer(value: number | string, tag: number = DER.integer): Buffer {
  const hex = typeof value === 'number' ? value.toString(16) : value;
  const bytes = Buffer.from((hex.length % 2 === 0 ? hex : `0${hex}`).replace(/^(?:00)+(?=..)/, ''), 'hex');
  return ((bytes[0] ?? 0) & 0x80) === 0 ? der(tag, bytes) : der(tag, Buffer.from([0]), bytes);
}

/** The name of an algorithm or extension, with what belongs to it behind. */
export function named(dotted: string, ...more: readonly Buffer[]): Buffer {
  return sequence(oidDer(dotted), ...more);
}

/** A time as certificates have it: two digits for the year up to 2049, four from then on (RFC 5280). */
export function time(timeMs: number): Buffer {
  const digits = `${new Date(timeMs).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  if (digits >= '2050') return der(DER.generalizedTime, Buffer.from(digits));
  return der(TEXT_TAG.utcTime, Buffer.from(digits.slice(2)));
}

/** The parts of a value, taken one by one; every method throws `DerError` when they are not what was expected. */
export interface Fields {
  /** The next part, which has this tag or, without one, any. */
  next(tag?: number): DerValue;
  /** The next part if it has one of these tags. */
  optional(...tags: readonly number[]): DerValue | undefined;
  /** Nothing may be left. */
  end(): void;
}

/** The parts of a SEQUENCE, or of whatever has the tag. @throws DerError when the value has another. */
export function fieldsOf(value: DerValue, tag: number = DER.sequence): Fields {
  const parts = derChildren(value, tag);
  let index = 0;
  const next = (wanted?: number): DerValue => {
    const found = parts[index++];
    if (found === undefined) throw new DerError('a part is missing');
    if (wanted !== undefined) derContent(found, wanted);
    return found;
  };
  return {
    next,
    optional: (...tags) => (tags.some((wanted) => wanted === parts[index]?.tag) ? next() : undefined),
    end() {
      if (index < parts.length) throw new DerError('there are more parts than there may be');
    },
  };
}

/** An INTEGER in hexadecimal, in capitals, without the zero byte that tells it from a negative one. @throws DerError. */
export function readInteger(value: DerValue, tag: number = DER.integer): string {
  const hex = derContent(value, tag).toString('hex').toUpperCase();
  if (hex === '') throw new DerError('a number has no digits');
  return hex.length > 2 && hex.startsWith('00') ? hex.slice(2) : hex;
}

/** A small number that is not negative. @throws DerError for any other. */
export function readNumber(value: DerValue, tag: number = DER.integer): number {
  const hex = readInteger(value, tag);
  if (hex.length > 8 || ((value.content[0] ?? 0) & 0x80) !== 0) throw new DerError('a number is out of bounds');
  return Number.parseInt(hex, 16);
}

/** Whether a field with the default FALSE is TRUE. */
export function isTrue(value: DerValue | undefined): boolean {
  return (value?.content[0] ?? 0) !== 0;
}

/** The numbers of the bits that are set. @throws DerError. */
export function readBits(value: DerValue): readonly number[] {
  return [...derContent(value, DER.bitString).subarray(1)].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (0x80 >> bit)).map((bit) => index * 8 + bit),
  );
}

/** A time of either form, in milliseconds since 1970. @throws DerError. */
export function readTime(value: DerValue): number {
  const text = value.content.toString('latin1');
  // In a year of two digits, 50 and more mean the last century (RFC 5280).
  const digits = value.tag === TEXT_TAG.utcTime ? `${text < '50' ? '20' : '19'}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? [];
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(timeMs)) throw new DerError('a time is none');
  return timeMs;
}

/** The text in any of the types for texts; undefined in another value. */
export function readText({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case TEXT_TAG.utf8:
      return content.toString('utf8');
    case TEXT_TAG.printable:
    case TEXT_TAG.ia5:
    case TEXT_TAG.teletex:
      return content.toString('latin1');
    case TEXT_TAG.bmp:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}
