/** The name of a configuration by its content: what the audit log says came into force, without a secret in it. */
import { createHash } from 'node:crypto';

/**
 * SHA-256, in small hexadecimal digits, of the checked options as JSON in UTF-8: defaults filled in, keys of every object in
 * the order of their UTF-16 code units, no spaces, undefined members left out, functions as `"function"`. Members with the
 * names of `SECRET_KEYS` are left out wherever they stand, so that the digest helps nobody to guess one.
 */
export function optionsDigest(options: object): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(options)))
    .digest('hex');
}

/** The keys whose values are secrets, or hashes of them. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  ...['key', 'passwordHash', 'totpSecret'],
  ...['secret', 'password', 'passphrase', 'token'],
]);

function canonical(value: unknown): unknown {
  if (typeof value === 'function') return 'function';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (value instanceof RegExp) return String(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const entries = value instanceof Map || value instanceof Set ? [...value].entries() : Object.entries(value);
  const kept = [...entries].filter(([key]) => !SECRET_KEYS.has(String(key)));
  return Object.fromEntries(
    kept
      .map(([key, member]): [string, unknown] => [String(key), canonical(member)])
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}
