/**
 * Patterns of paths as clients see them. `/in/*.csv` is matched against the whole path; `*.exe`, without a slash, against
 * the last name alone and in any case, since it speaks of a kind of file and not of a place.
 *
 * `*` is any run of characters within a name, `?` one of them, and `**` as a whole part any number of parts, none among
 * them: `/in/**` is /in and everything below it. A backslash takes the meaning from the character behind it.
 */
import { nameMatches, nameMatchesAnyCase, STRAY_BACKSLASH, strayBackslash } from '../protocol/name-glob.ts';
import { baseName, pathParts, ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';

/** Characters of one pattern; with the bound on paths it bounds the work of a match. */
const GLOB_CHARACTERS_MAX = 1_024;

/** What is wrong with a pattern; undefined when nothing is. */
export function globMistake(glob: string): string | undefined {
  if (glob === '' || glob.length > GLOB_CHARACTERS_MAX) return `must have 1 to ${GLOB_CHARACTERS_MAX} characters`;
  if (strayBackslash(glob)) return STRAY_BACKSLASH;
  if (glob.includes('/') && !glob.startsWith('/')) {
    return "must begin with a slash, as in '/in/**', or have none, as in '*.exe'";
  }
  const parts = glob.startsWith('/') ? partsOf(glob) : [glob];
  if (parts.some((part) => part !== '**' && part.includes('**')))
    return "has a '**' that is not a whole part, as in '/in/**'";
  if (glob === '**') return "must begin with a slash: '/**' is everything";
  // A pattern such as /in/../out would match nothing, and so protect nothing.
  const canonical = glob === '/' || !glob.startsWith('/') || resolvePath(ROOT, glob) === glob;
  return canonical ? undefined : "must be an absolute path as clients see it, without '.', '..' or a slash at the end";
}

/** Whether the pattern matches the path. */
export function globMatches(glob: string, path: VirtualPath): boolean {
  if (!glob.startsWith('/')) return nameMatchesAnyCase(glob, baseName(path));
  const pattern = partsOf(glob);
  return ends(advance(pattern, pathParts(path)), pattern);
}

/**
 * Whether the pattern can tell something within the directory from something beside it: it names a path below the
 * directory, and not everything around the directory as well. Moved elsewhere, what it names would slip from under it.
 */
export function globReachesInto(glob: string, directory: VirtualPath): boolean {
  if (!glob.startsWith('/')) return false;
  const pattern = partsOf(glob);
  const parts = pathParts(directory);
  const around = advance(pattern, parts.slice(0, -1));
  if (directory !== ROOT && around.some((at) => isRest(pattern, at))) return false;
  // With parts left, the pattern can match below; `**` is a part that can.
  return advance(pattern, parts).some((at) => at < pattern.length);
}

/**
 * Where in the pattern a match can stand once it has taken these parts: a set of positions, so that the work is bounded
 * by the product of both lengths whatever the pattern.
 */
function advance(pattern: readonly string[], parts: readonly string[]): readonly number[] {
  let places = withSkipped(pattern, new Set([0]));
  for (const part of parts) {
    const next = new Set<number>();
    for (const at of places) {
      const wanted = pattern[at];
      if (wanted === '**') next.add(at);
      else if (wanted !== undefined && nameMatches(wanted, part)) next.add(at + 1);
    }
    places = withSkipped(pattern, next);
  }
  return [...places];
}

/** The places with those that are reached when a `**` takes nothing more. */
function withSkipped(pattern: readonly string[], places: Set<number>): Set<number> {
  for (const at of places) if (pattern[at] === '**') places.add(at + 1);
  return places;
}

function ends(places: readonly number[], pattern: readonly string[]): boolean {
  return places.includes(pattern.length);
}

/** Whether what is left of the pattern takes everything. */
function isRest(pattern: readonly string[], at: number): boolean {
  return at < pattern.length && pattern.slice(at).every((part) => part === '**');
}

function partsOf(glob: string): readonly string[] {
  return glob.split('/').filter((part) => part !== '');
}
