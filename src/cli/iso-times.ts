/** Times in JSON for programs: text of RFC 3339 in place of milliseconds. */

/** The same value, in which numbers whose names end with `Ms` became texts without that ending: `lastMs` becomes `last`. */
export function toIsoTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toIsoTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key.endsWith('Ms') && typeof inner === 'number'
        ? [key.slice(0, -2), new Date(inner).toISOString()]
        : [key, toIsoTimes(inner)],
    ),
  );
}
