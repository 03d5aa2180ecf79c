/**
 * The media types that MLST and MLSD give (RFC 3659 section 7.5.8). The RFC forbids guessing, so the table is small,
 * closed and part of the gateway: an ending is in it only if it has one registered meaning, and any other name has no
 * type at all.
 */

/** Endings, in lower case, and their types as IANA registers them. */
const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['avif', 'image/avif'],
  ['css', 'text/css'],
  ['csv', 'text/csv'],
  ['eml', 'message/rfc822'],
  ['epub', 'application/epub+zip'],
  ['gif', 'image/gif'],
  ['gz', 'application/gzip'],
  ['html', 'text/html'],
  ['jpeg', 'image/jpeg'],
  ['jpg', 'image/jpeg'],
  ['js', 'text/javascript'],
  ['json', 'application/json'],
  ['md', 'text/markdown'],
  ['mp4', 'video/mp4'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['rtf', 'application/rtf'],
  ['svg', 'image/svg+xml'],
  ['txt', 'text/plain'],
  ['wasm', 'application/wasm'],
  ['webp', 'image/webp'],
  ['xml', 'application/xml'],
  ['yaml', 'application/yaml'],
  ['zip', 'application/zip'],
  ['zst', 'application/zstd'],
]);

/**
 * The media type of a file by the ending of its name, which may be a whole path; undefined when the name has no ending,
 * or none that the table knows. A name that only begins with a dot has no ending.
 */
export function mediaTypeOf(name: string): string | undefined {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  return dot > 0 ? MEDIA_TYPES.get(base.slice(dot + 1).toLowerCase()) : undefined;
}
