/** The names that files get when theirs is taken and versions are kept. */
import { baseName, parentOf, ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';

/** The longest name and path, in bytes: those of virtual paths. */
const NAME_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4_096;
/** What is longer than this behind the last dot is no ending that tells a kind of file. */
const ENDING_BYTES_MAX = 32;

/**
 * The path of version `n`, from 2 on: /in/report.csv becomes /in/report~2.csv. The ending stays, so that patterns such
 * as `*.csv` and `*.tar.gz` take it as well. A name that would be too long loses the end of what stands before the mark.
 *
 * @returns undefined when a path is so long that there is no room for the mark.
 */
export function versionedName(path: VirtualPath, n: number): VirtualPath | undefined {
  const directory = parentOf(path);
  const { stem, ending } = split(baseName(path));
  const mark = `~${n}`;
  const before = directory === ROOT ? 1 : Buffer.byteLength(directory) + 1;
  const bytesMax = Math.min(NAME_BYTES_MAX, PATH_BYTES_MAX - before);
  const cut = cutTo(stem, bytesMax - Buffer.byteLength(mark + ending));
  return cut === '' ? undefined : resolvePath(directory, `${cut}${mark}${ending}`);
}

/** A dot at the beginning makes a name hidden and begins no ending; of a packed tar both endings are one. */
function split(name: string): { readonly stem: string; readonly ending: string } {
  const ending = /(?<=[^.])(?:\.tar)?\.[^.]+$/i.exec(name)?.[0] ?? '';
  if (Buffer.byteLength(ending) > ENDING_BYTES_MAX) return { stem: name, ending: '' };
  return { stem: name.slice(0, name.length - ending.length), ending };
}

/** The beginning of a text that takes no more bytes in UTF-8, cut between characters. */
function cutTo(text: string, bytesMax: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    cut += character;
  }
  return cut;
}
