/** The charsets of accounts whose clients do not know UTF-8, by iconv-lite. */
import iconv from 'iconv-lite';
import { type Charset, type CharsetName, UTF_8 } from '../spi/charset.ts';

/**
 * The charset of this name. It reads only what it would write: bytes that mean nothing, that would have been written in
 * another way, or that are controls of the C1 set, which no listing shows, are not text. So no two spellings on the wire
 * name one file, and what a listing shows without a `?` can be asked for as it stands.
 */
export function charsetNamed(name: CharsetName): Charset {
  if (name === 'utf-8') return UTF_8;
  return {
    name,
    decode(bytes) {
      const text = iconv.decode(bytes, name, { stripBOM: false });
      if (C1.test(text)) return undefined;
      return iconv.encode(text, name).equals(bytes) ? text : undefined;
    },
    encode: (text) => iconv.encode(text, name),
  };
}

const C1 = /[\u0080-\u009f\ufffd]/;
