/** IP addresses as text, read strictly and written in one way only, so that two spellings of one address compare equal. */

/**
 * The IPv4 address that `text` spells in dotted decimal.
 *
 * @returns undefined for anything else, also for leading zeros, which some systems read as octal.
 */
export function parseIpv4(text: string): string | undefined {
  return ipv4Bytes(text) === undefined ? undefined : text;
}

/**
 * The IPv6 address that `text` spells (RFC 2428 section 2), with `::` and with an embedded IPv4 address if it likes, in
 * the form in which sockets report it: small letters, the first longest run of zero groups as `::`, and behind six of
 * those the rest as in IPv4 (`::192.0.2.1`). An IPv4-mapped address is written as the IPv4 address that it is.
 *
 * @returns undefined for anything else; zones (`%eth0`) mean nothing to another host and are refused.
 */
export function parseIpv6(text: string): string | undefined {
  const groups = ipv6Groups(text);
  return groups === undefined ? undefined : (ipv4Mapped(groups) ?? formatGroups(groups));
}

/**
 * Whom an address belongs to, for limits: an IPv4 address itself, and the /64 of an IPv6 address, since every customer of
 * a provider has at least that many to choose from.
 */
export function networkOf(address: string): string {
  const groups = ipv6Groups(address);
  if (groups === undefined) return address;
  return ipv4Mapped(groups) ?? `${formatGroups([...groups.slice(0, 4), 0, 0, 0, 0])}/64`;
}

function ipv4Bytes(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

const GROUPS = 8;

function ipv6Groups(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after] = halves;
  const head = before === undefined ? undefined : groupsOf(before, after === undefined);
  if (after === undefined) return head?.length === GROUPS ? head : undefined;
  const tail = groupsOf(after, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = GROUPS - head.length - tail.length;
  return missing < 1 ? undefined : [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** The groups of one side of `::`; only the side that ends the address may end with an IPv4 address. */
function groupsOf(side: string, endsAddress: boolean): number[] | undefined {
  if (side === '') return [];
  const groups: number[] = [];
  const parts = side.split(':');
  for (const [index, part] of parts.entries()) {
    const embedded = endsAddress && index === parts.length - 1 ? ipv4Bytes(part) : undefined;
    if (embedded !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = embedded;
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function ipv4Mapped(groups: readonly number[]): string | undefined {
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  return ipv4Ending(groups);
}

/** The last two groups as an IPv4 address. */
function ipv4Ending(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function formatGroups(groups: readonly number[]): string {
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  if (run.start === 0 && run.length === 6) return `::${ipv4Ending(groups)}`;
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  }
  return longest;
}
