/** Times of the week as operators write them, and the moment of the week that clocks in a time zone show. */

/** Days as they are written, in the order of the week. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const MINUTES_A_DAY = 1_440;

/** A moment of the week as clocks on the wall show it. */
export interface WeekTime {
  /** 0 is Monday. */
  readonly day: number;
  /** Minutes since midnight. */
  readonly minute: number;
}

/** Hours of certain days. */
export interface WeekWindow {
  /** The days on which it begins. */
  readonly days: ReadonlySet<number>;
  readonly fromMinute: number;
  /** The first minute behind it; not above `fromMinute`, it is one of the next day. */
  readonly toMinute: number;
}

/** The days that `mon`, or a range such as `fri-mon`, means; undefined when it means none. */
export function parseDays(text: string): readonly number[] | undefined {
  const [first = '', last = first, ...more] = text.toLowerCase().split('-');
  const from = dayNumber(first);
  const to = dayNumber(last);
  if (from < 0 || to < 0 || more.length > 0) return undefined;
  const length = ((to - from + DAYS.length) % DAYS.length) + 1;
  return Array.from({ length }, (_, index) => (from + index) % DAYS.length);
}

/** Minutes since midnight of `HH:MM`, up to 24:00; undefined when it is no time. */
export function parseClockTime(text: string): number | undefined {
  const [, hours, minutes] = /^([01][0-9]|2[0-4]):([0-5][0-9])$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const total = Number(hours) * 60 + Number(minutes);
  return total > MINUTES_A_DAY ? undefined : total;
}

/** Whether the moment lies in the window: in the part that began today, or in the one that began yesterday. */
export function isInWindow({ day, minute }: WeekTime, { days, fromMinute, toMinute }: WeekWindow): boolean {
  if (fromMinute < toMinute) return days.has(day) && minute >= fromMinute && minute < toMinute;
  if (minute >= fromMinute) return days.has(day);
  return minute < toMinute && days.has((day + DAYS.length - 1) % DAYS.length);
}

/** Tells what clocks in a zone show at a moment, given in milliseconds since 1970 (UTC). @throws RangeError for no zone. */
export function clocksIn(zone: string): (atMs: number) => WeekTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    return {
      day: dayNumber((parts.get('weekday') ?? '').toLowerCase()),
      minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    };
  };
}

function dayNumber(name: string): number {
  const names: readonly string[] = DAYS;
  return names.indexOf(name);
}
