/** Numbers as clients write them. */

/**
 * A count of bytes, as REST and ALLO give it (RFC 3659 section 5.3): decimal digits and nothing else.
 *
 * @returns undefined for anything else, and above 2^53 - 1, where numbers stop being exact.
 */
export function parseOffset(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const offsetBytes = Number(text);
  return offsetBytes <= Number.MAX_SAFE_INTEGER ? offsetBytes : undefined;
}

/**
 * Permission bits, as SITE CHMOD and MFF give them: three octal digits, perhaps behind a 0. The set-id and sticky bits are
 * nobody's to set.
 *
 * @returns undefined for anything else.
 */
export function parseMode(text: string): number | undefined {
  return /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}
