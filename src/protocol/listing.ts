/** Listings for people and for the clients that read them all the same: LIST in the manner of `ls -l`, and NLST. */
import type { DirectoryEntry } from './file-facts.ts';
import { formatTimeVal } from './time.ts';

/**
 * One line of LIST, its CRLF included. Times are UTC, or those of this machine's zone; one that lies more than half a year back, or more than a day
 * ahead, has its year in place of the hour, as in `ls`. Setuid, setgid and sticky bits are not shown.
 */
export function formatListLine(entry: DirectoryEntry, nowMs: number, times: 'utc' | 'local' = 'utc'): string {
  const columns = [
    `${entry.kind === 'directory' ? 'd' : '-'}${modeText(entry.mode)}`,
    `${entry.linkCount}`.padStart(3),
    `${entry.owner}`.padEnd(8),
    `${entry.group}`.padEnd(8),
    `${entry.sizeBytes}`.padStart(8),
    dateText(entry.modifiedMs, nowMs, times),
    listedName(entry.name),
  ];
  return `${columns.join(' ')}\r\n`;
}

/** One line of NLST, its CRLF included. */
export function formatNlstLine(name: string): string {
  return `${listedName(name)}\r\n`;
}

/**
 * The name as it may stand in any listing, MLSD included: whatever could end a line, or move a terminal's cursor, is
 * written as `?`, so that a file's name cannot forge an entry.
 */
export function listedName(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}

/** What LIST and NLST were asked for. */
export interface ListArgument {
  /** The path as typed; empty for the current directory. */
  readonly path: string;
  /** Whether a flag asks for names that begin with a dot. */
  readonly all: boolean;
}

/**
 * Takes the argument of LIST or NLST apart. Many clients send flags of `ls` (`-a`, `-la`, `-l -a path`); they are
 * recognised as leading words of `-` and letters or digits, and `--` ends them. Whatever follows is one path, spaces
 * and all. A file whose name looks like a flag can be reached as `./-name`, or behind `--`.
 */
export function parseListArgument(text: string): ListArgument {
  let path = text;
  let all = false;
  for (;;) {
    const flags = /^-(?:-|[A-Za-z0-9]+)(?: |$)/.exec(path)?.[0];
    if (flags === undefined) break;
    path = path.slice(flags.length);
    if (flags.startsWith('--')) break;
    all ||= /[aA]/.test(flags);
  }
  return { path, all };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;
/** Half of a Gregorian year, as `ls` has it. */
const RECENT_MS = 15_778_476_000;

function modeText(mode: number): string {
  const bits = (mode & 0o777).toString(2).padStart(9, '0');
  return [...'rwxrwxrwx'].map((letter, index) => (bits[index] === '1' ? letter : '-')).join('');
}

function dateText(timeMs: number, nowMs: number, times: 'utc' | 'local'): string {
  // The zone's difference at that time, which summer time moves, and not at the present one.
  const offsetMs = times === 'local' ? new Date(timeMs).getTimezoneOffset() * 60_000 : 0;
  const time = formatTimeVal(Number.isNaN(offsetMs) ? timeMs : timeMs - offsetMs);
  const month = MONTHS[Number(time.slice(4, 6)) - 1];
  const recent = timeMs >= nowMs - RECENT_MS && timeMs <= nowMs + DAY_MS;
  const last = recent ? `${time.slice(8, 10)}:${time.slice(10, 12)}` : ` ${time.slice(0, 4)}`;
  return `${month} ${time.slice(6, 8)} ${last}`;
}
