/** Names as the most forgiving storage compares them, for judging whether one reaches what another one names. */

/**
 * A name without regard to case, to forms of Unicode, to characters that nobody sees (HFS+), and to dots and spaces at
 * the end (Windows). Two names that come out alike may be one file.
 */
export function foldedName(name: string): string {
  // Most names, and a twentieth of the work: no form of ASCII is another one, and all of it is visible.
  if (ASCII.test(name)) return name.toLowerCase().replace(/[. ]+$/, '');
  const visible = name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return visible
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[. ]+$/, '');
}

/** Whether `foldedName` makes this of a name. Cheap for nearly every name of a long listing, which begins with another character. */
export function foldsTo(folded: string, name: string): boolean {
  // ASCII changes its case at most, which is this bit; a name of which nothing is left over has no beginning.
  const begin = folded.charCodeAt(0) | CASE_BIT;
  if (folded !== '' && (name.charCodeAt(0) | CASE_BIT) !== begin && ASCII.test(name)) return false;
  return foldedName(name) === folded;
}

const CASE_BIT = 0x20;
const ASCII = /^[\u0000-\u007f]*$/;
