/** Times as MDTM, MFMT and MLSx write them: `YYYYMMDDHHMMSS`, always UTC (RFC 3659 section 2.3). */
import { assert } from '../lib/assert.ts';

/** The first and the last millisecond that four digits of year can name. */
const TIME_MIN_MS = -62_167_219_200_000;
const TIME_MAX_MS = 253_402_300_799_999;

/**
 * A time in milliseconds since 1970 (UTC) as a time value, in whole seconds, or with `millis` to the millisecond. A time
 * outside the years 0000 to 9999, as a damaged file system may report it, comes out as the nearest that can be written.
 */
export function formatTimeVal(timeMs: number, options: { readonly millis?: boolean } = {}): string {
  const time = writableDate(timeMs);
  // A fifth of the time that `toISOString` takes, and long listings consist of little else.
  const year = `${time.getUTCFullYear()}`.padStart(4, '0');
  const date = year + twoDigits(time.getUTCMonth() + 1) + twoDigits(time.getUTCDate());
  const hour = twoDigits(time.getUTCHours()) + twoDigits(time.getUTCMinutes()) + twoDigits(time.getUTCSeconds());
  const millis = options.millis ? `.${`${time.getUTCMilliseconds()}`.padStart(3, '0')}` : '';
  return date + hour + millis;
}

/** A time in milliseconds since 1970 (UTC) as a date with a year of four digits: itself, or the nearest that has one. */
export function writableDate(timeMs: number): Date {
  assert(!Number.isNaN(timeMs), 'a time is a number');
  return new Date(Math.min(Math.max(Math.floor(timeMs), TIME_MIN_MS), TIME_MAX_MS));
}

/** A number below 100 in two digits. */
export function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}

/**
 * The time in milliseconds since 1970 (UTC) that a time value names. Of a fraction of a second, milliseconds are kept.
 * A leap second, which occurs only as 23:59:60, is taken as the second before it: Unix time has no number for it.
 *
 * @returns undefined when the text has another form, or names a date or an hour that does not exist.
 */
export function parseTimeVal(text: string): number | undefined {
  const match = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const leap = hour === 23 && minute === 59 && second === 60;
  if (hour > 23 || minute > 59 || (second > 59 && !leap)) return undefined;
  const millis = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  // Not Date.UTC, which takes the years 0 to 99 for those of the twentieth century.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, leap ? 59 : second, millis);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : undefined;
}
