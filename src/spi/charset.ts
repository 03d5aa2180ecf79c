/**
 * The contract of charsets: how the names of files are written on the wire. Files have Unicode names; a client that is
 * older than UTF-8 has an account with a charset of its own, and `server/legacy-charset.ts` knows how to read it.
 */
import { decodeUtf8 } from '../protocol/utf8.ts';

/** A charset in which every byte below 128 that can stand in a command line means what it does in ASCII. */
export interface Charset {
  readonly name: string;
  /** The text; undefined unless the bytes mean exactly one text, and `encode` gives them back. */
  decode(bytes: Buffer): string | undefined;
  /** The bytes; `?` stands for every character that the charset does not have. */
  encode(text: string): Buffer;
}

/** The charset of everyone who has no other. */
export const UTF_8: Charset = {
  name: 'utf-8',
  decode: decodeUtf8,
  encode: (text) => Buffer.from(text),
};

/**
 * The charsets that an account may have. Stateful ones (ISO-2022-JP) and those in which a `/` or an end of line may be
 * half a character (UTF-16) are not among them.
 */
export const CHARSET_NAMES = [
  'utf-8',
  'cp437',
  'cp850',
  'cp852',
  'cp866',
  'cp1250',
  'cp1251',
  'cp1252',
  'cp1253',
  'cp1254',
  'cp1255',
  'cp1256',
  'cp1257',
  'cp1258',
  'iso-8859-1',
  'iso-8859-2',
  'iso-8859-5',
  'iso-8859-7',
  'iso-8859-9',
  'iso-8859-15',
  'koi8-r',
  'koi8-u',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'gbk',
  'gb18030',
  'big5',
] as const;

/** The name of one of them. */
export type CharsetName = (typeof CHARSET_NAMES)[number];
