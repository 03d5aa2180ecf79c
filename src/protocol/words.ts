/** Several paths in one argument, as COMB and SITE COPY have them: words between spaces, in quotes where they hold one. */

/**
 * The words of a text. One in double quotes may hold spaces, and a quote as two of them, as 257 writes paths (RFC 959
 * appendix II).
 *
 * @returns undefined when a quote is left open, stands inside a bare word, or a quoted word is empty or runs into the next.
 */
export function parseWords(text: string): string[] | undefined {
  const words: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const [whole = '', quoted, bare] = WORD.exec(rest) ?? [];
    if (whole === '') return undefined;
    words.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    rest = rest.slice(whole.length);
  }
  return words;
}

/** One word and the spaces behind it. */
const WORD = /^(?:"((?:[^"]|"")+)"|([^" ]+))(?: +|$)/;
