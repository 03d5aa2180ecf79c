/** PEM (RFC 7468): the blocks in a text, and a block as a text. */

/** One block. */
export interface PemBlock {
  /** What stands behind BEGIN: `CERTIFICATE`, `PRIVATE KEY` and so on. */
  readonly label: string;
  readonly bytes: Buffer;
  /** The block as it was written, with its first and last line. */
  readonly text: string;
}

/** The blocks in a text, in their order; what stands between them is for people. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([\s\S]*?)-----END \1-----/g);
  return [...found].map(([whole, label = '', base64 = '']) => ({
    label,
    bytes: Buffer.from(base64, 'base64'),
    text: `${whole}\n`,
  }));
}

/** A block of these bytes, with lines as Unix ends them. */
export function pemText(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
