/** Listings for people and for the clients that read them all the same: LIST in the manner of `ls -l`, and NLST. */
import type { DirectoryEntry } from './file-facts.ts';
import { twoDigits, writableDate } from './time.ts';

/**
 * One line of LIST, its CRLF included. Times are UTC, or those of this machine's zone; one that lies more than half a year back, or more than a day
 * ahead, has its year in place of the hour, as in `ls`. Setuid, setgid and sticky bits are not shown.
 */
export function formatListLine(entry: DirectoryEntry, nowMs: number, times: 'utc' | 'local' = 'utc'): string {
  return listLineFormat(nowMs, times)(entry);
}

/** What makes the lines of one listing, as `formatListLine` does. It remembers what the line before looked like. */
export function listLineFormat(nowMs: number, times: 'utc' | 'local' = 'utc'): (entry: DirectoryEntry) => string {
  // Most files of a directory have the same bits and owner, and many were written in the same minute: half of the work.
  let before: DirectoryEntry | undefined;
  let columns = '';
  let minute = Number.NaN;
  let wasRecent = false;
  let date = '';
  let sizeBytes = Number.NaN;
  let size = '';
  return (entry) => {
    if (before === undefined || !sameColumns(entry, before)) columns = `${columnsText(entry)} `;
    before = entry;
    const entryMinute = Math.floor(entry.modifiedMs / MINUTE_MS);
    const recent = entry.modifiedMs >= nowMs - RECENT_MS && entry.modifiedMs <= nowMs + DAY_MS;
    if (entryMinute !== minute || recent !== wasRecent) date = ` ${dateText(entry.modifiedMs, recent, times)} `;
    minute = entryMinute;
    wasRecent = recent;
    if (entry.sizeBytes !== sizeBytes) size = `${entry.sizeBytes}`.padStart(8);
    sizeBytes = entry.sizeBytes;
    return columns + size + date + listedName(entry.name) + CRLF;
  };
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
  // Looking alone takes a third of the time, and there is something to write otherwise in hardly any name.
  return UNLISTED.test(name) ? name.replace(EVERY_UNLISTED, '?') : name;
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

const UNLISTED = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const EVERY_UNLISTED = new RegExp(UNLISTED, 'g');

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const CRLF = '\r\n';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Half of a Gregorian year, as `ls` has it. */
const RECENT_MS = 15_778_476_000;

/** What stands in front of the size. */
function columnsText({ kind, mode, linkCount, owner, group }: DirectoryEntry): string {
  const type = kind === 'directory' ? 'd' : '-';
  return `${type}${modeText(mode)} ${`${linkCount}`.padStart(3)} ${`${owner}`.padEnd(8)} ${`${group}`.padEnd(8)}`;
}

function sameColumns(a: DirectoryEntry, b: DirectoryEntry): boolean {
  return (
    a.mode === b.mode && a.kind === b.kind && a.linkCount === b.linkCount && a.owner === b.owner && a.group === b.group
  );
}

/** What each octal digit of a mode means. */
const BITS = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'];

function modeText(mode: number): string {
  return `${BITS[(mode >> 6) & 7]}${BITS[(mode >> 3) & 7]}${BITS[mode & 7]}`;
}

function dateText(timeMs: number, recent: boolean, times: 'utc' | 'local'): string {
  // The zone's difference at that time, which summer time moves, and not at the present one.
  const offsetMs = times === 'local' ? new Date(timeMs).getTimezoneOffset() * 60_000 : 0;
  const time = writableDate(Number.isNaN(offsetMs) ? timeMs : timeMs - offsetMs);
  const day = `${MONTHS[time.getUTCMonth()]} ${twoDigits(time.getUTCDate())}`;
  if (!recent) return `${day}  ${`${time.getUTCFullYear()}`.padStart(4, '0')}`;
  return `${day} ${twoDigits(time.getUTCHours())}:${twoDigits(time.getUTCMinutes())}`;
}
