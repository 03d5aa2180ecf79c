/** Names of keys: snake_case in YAML, camelCase in the program. */

/** A key of a path: a name, or an index into a list. */
export type Key = string | number;

/** A place in a configuration, as the program names it: `['users', 2, 'passwordHash']`. */
export type KeyPath = readonly Key[];

/** The program's name of a YAML key; undefined when the key is not in snake_case, and so no key at all. */
export function fromSnakeCase(key: string): string | undefined {
  if (!/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(key)) return undefined;
  return key.replace(/_([a-z0-9])/g, (_, first: string) => first.toUpperCase());
}

/** Begins the name of a key that is not in snake_case; no schema has such a key, so it is reported as unknown. */
export const UNKNOWN_KEY = '?';

/** The key as it stands in the file. */
export function writtenKey(key: string): string {
  return key.startsWith(UNKNOWN_KEY) ? key.slice(UNKNOWN_KEY.length) : toSnakeCase(key);
}

/** How a key of the program is written in YAML. */
export function toSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The path as operators read it: `users[2].password_hash`. */
export function formatKeyPath(path: KeyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? writtenKey(key) : `${text}.${writtenKey(key)}`;
  }, '');
}

/** The candidate that a misspelt key was probably meant to be; undefined when none is close. */
export function closest(key: string, candidates: readonly string[]): string | undefined {
  // Two letters that changed places are two edits apart; a key of two letters is two edits from anything.
  const reachMax = key.length <= 2 ? 1 : Math.max(2, Math.floor(key.length / 3));
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const name of candidates) {
    const distance = editDistance(key.slice(0, 64).toLowerCase(), name);
    if (distance <= reachMax && (nearest === undefined || distance < nearest.distance)) nearest = { name, distance };
  }
  return nearest?.name;
}

/** The fewest insertions, deletions and replacements of characters that turn one text into the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
