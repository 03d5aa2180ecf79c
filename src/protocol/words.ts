/** Words of the protocol: compared in any letter case, and several in one argument, in quotes where they hold spaces. */

/**
 * The text with its ASCII letters in capitals, for comparing words of the protocol. Letters beyond ASCII stay as they are:
 * some of them, such as `ı` and `ſ`, have a capital that is ASCII, and would pass for a word that they are not.
 */
export function asciiUpper(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/**
 * The words of a text, as COMB and SITE COPY have them. One in double quotes may hold spaces, and a quote as two of them, as 257 writes paths (RFC 959
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
