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
