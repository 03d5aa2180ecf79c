/** Replies: a three-digit code and one or more lines of text (RFC 959 section 4.2). */

/** What the server says: `lines` has at least one entry, none with CR, LF or NUL. */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Makes a reply. Characters that would end or forge a line are replaced by spaces. */
export function reply(code: number, ...lines: readonly string[]): Reply {
  return { code, lines: (lines.length === 0 ? [''] : lines).map(replyLine) };
}

/** The text as one line of a reply. */
export function replyLine(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ');
}

/**
 * The reply as it goes over the wire. A multi-line reply opens with `code-` and closes with `code `; inner lines begin
 * with a space, so that none of them can be mistaken for the last (RFC 959 section 4.2, RFC 2389 section 3.2).
 */
export function formatReply({ code, lines }: Reply): string {
  const last = lines.length - 1;
  return lines
    .map((line, index) => {
      if (index === last) return `${code} ${line}\r\n`;
      return index === 0 ? `${code}-${line}\r\n` : ` ${line}\r\n`;
    })
    .join('');
}

/** Whether the reply reports success or asks for more (1yz, 2yz, 3yz), as opposed to failure (4yz, 5yz). */
export function isPositive({ code }: Reply): boolean {
  return code < 400;
}
