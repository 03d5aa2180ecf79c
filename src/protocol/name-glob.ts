/**
 * Patterns of one name: `*` is any run of characters, `?` one of them, and a backslash takes the meaning from the
 * character behind it. What a match costs is bounded by the product of both lengths, whatever the pattern.
 */

/** Characters of one pattern; bounds the work of a match. */
const GLOB_CHARACTERS_MAX = 1_024;

/** What is wrong with a pattern of a name; undefined when nothing is. */
export function nameGlobMistake(glob: string): string | undefined {
  if (glob === '' || glob.length > GLOB_CHARACTERS_MAX) return `must have 1 to ${GLOB_CHARACTERS_MAX} characters`;
  if (glob.includes('/')) return 'is matched against the last name alone, so it has no slash';
  return strayBackslash(glob) ? STRAY_BACKSLASH : undefined;
}

/** Said of a pattern with a backslash that takes no meaning from anything. */
export const STRAY_BACKSLASH = 'has a backslash in front of what is not *, ? or \\';

/** Whether a backslash stands in front of what has no meaning to lose. */
export function strayBackslash(glob: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\(?![*?\\])/.test(glob);
}

/** Whether a name matches a pattern, in any case: for patterns that speak of a kind of file. */
export function nameMatchesAnyCase(glob: string, name: string): boolean {
  return nameMatches(glob.toLowerCase(), name.toLowerCase());
}

/** Whether one name matches one pattern; a `*` that failed is tried one character later, and only the last one is. */
export function nameMatches(pattern: string, name: string): boolean {
  const wanted = tokensOf(pattern);
  const given = [...name];
  let at = 0;
  let star = -1;
  let starred = 0;
  for (let index = 0; index < given.length; ) {
    const token = wanted[at];
    if (token === '**') {
      star = at++;
      starred = index;
    } else if (token === '?*' || (token !== undefined && token === given[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++starred;
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((token) => token === '**');
}

/** The characters of a pattern; `**` stands for any run and `?*` for any one, which no single character is spelt as. */
function tokensOf(pattern: string): readonly string[] {
  return (pattern.match(/\\.|./gsu) ?? []).map((token) => {
    if (token === '*') return '**';
    if (token === '?') return '?*';
    return token.startsWith('\\') ? token.slice(1) : token;
  });
}
