/** UTF-8, the charset of every name unless an account says otherwise (RFC 2640 section 2.2). */

/** The text that the bytes stand for; undefined when they are not UTF-8. A byte order mark is part of the text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    // The one thing that a fatal decoder throws for; its words add nothing to it.
    return undefined;
  }
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
