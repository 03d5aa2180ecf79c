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
  const decode = (bytes: Buffer) => {
    const text = iconv.decode(bytes, name, { stripBOM: false });
    if (C1.test(text)) return undefined;
    return iconv.encode(text, name).equals(bytes) ? text : undefined;
  };
  const absent = MISWRITTEN.filter((character) => decode(iconv.encode(character, name)) !== character);
  return {
    name,
    decode,
    encode: (text) =>
      iconv.encode(
        text.replace(ANY_MISWRITTEN, (one) => (absent.includes(one) ? '?' : one)),
        name,
      ),
  };
}

const C1 = /[\u0080-\u009f\ufffd]/;

/**
 * What iconv-lite writes, in one charset or another, as bytes that mean another character or none: the yen sign and the
 * overline of JIS as `\` and `~`, two characters for private use, and the sign for what could not be read.
 */
const MISWRITTEN = ['\u00a5', '\u203e', '\ue5e5', '\ue7c7', '\ufffd'];
const ANY_MISWRITTEN = new RegExp(`[${MISWRITTEN.join('')}]`, 'g');
