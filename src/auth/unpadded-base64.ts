/** Base64 without padding, as PHC strings have it. */

/** The bytes as text. */
export function encodeUnpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

/** The bytes of canonical base64 without padding; nothing when the text decodes to something else than itself. */
export function decodeUnpadded(text = ''): Buffer {
  const bytes = Buffer.from(text, 'base64');
  return encodeUnpadded(bytes) === text ? bytes : Buffer.alloc(0);
}
