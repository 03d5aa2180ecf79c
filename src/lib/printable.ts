/** Makes text that a stranger chose safe to show in a log line or on a terminal. */

// C0, DEL and C1 controls move cursors and forge lines; the bidi and zero-width characters reorder or hide what is read.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The same text with every control, bidi and invisible character written as `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Words of somebody else's program: printable, and not too many. */
export function excerpt(text: string, charactersMax: number): string {
  const line = printable(text.trim());
  return line.length > charactersMax ? `${line.slice(0, charactersMax)}...` : line;
}
