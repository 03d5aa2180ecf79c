/** IP networks in CIDR notation, read strictly, and whether an address lies in one. */
import { parseIpv4, parseIpv6 } from './ip-address.ts';

/** A network: the leading bits that its addresses share. */
export interface IpNetwork {
  readonly family: 4 | 6;
  /** The network's own address as 16-bit groups: 2 for IPv4, 8 for IPv6. */
  readonly groups: readonly number[];
  readonly prefixBits: number;
}

/**
 * The network that `text` spells: `192.0.2.0/24`, `2001:db8::/32`, or one address. An IPv4-mapped one
 * (`::ffff:192.0.2.0/120`) is the IPv4 network that it stands for, as sockets report such addresses as IPv4.
 *
 * @returns undefined for anything else, also when bits behind the prefix are set: then one of the two is a mistake.
 */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [, written = '', , digits] = /^([0-9A-Fa-f:.]{2,45})(\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const address = parseIpv4(written) ?? parseIpv6(written);
  if (address === undefined) return undefined;
  const { family, groups } = groupsOf(address);
  const widthBits = family === 4 ? 32 : 128;
  // What is written as IPv6 and read as IPv4 is mapped: 96 of its prefix's bits are the mapping.
  const mappingBits = family === 4 && written.includes(':') ? 96 : 0;
  const prefixBits = digits === undefined ? widthBits : Number(digits) - mappingBits;
  if (prefixBits < 0 || prefixBits > widthBits) return undefined;
  const stray = groups.some((group, index) => (group & ~maskOf(prefixBits, index) & 0xffff) !== 0);
  return stray ? undefined : { family, groups, prefixBits };
}

/** Whether an address, as a socket reports it, lies in the network. Zones (`%eth0`) do not count. */
export function isInNetwork(address: string, network: IpNetwork): boolean {
  const bare = address.replace(/%.*$/, '');
  const known = parseIpv4(bare) ?? parseIpv6(bare);
  if (known === undefined) return false;
  const { family, groups } = groupsOf(known);
  if (family !== network.family) return false;
  return groups.every((group, index) => (group & maskOf(network.prefixBits, index)) === network.groups[index]);
}

/** The bits of one 16-bit group that belong to the prefix. */
function maskOf(prefixBits: number, index: number): number {
  const bits = Math.min(Math.max(prefixBits - index * 16, 0), 16);
  return (0xffff << (16 - bits)) & 0xffff;
}

/** An address in its one way of being written, as numbers. */
function groupsOf(address: string): Pick<IpNetwork, 'family' | 'groups'> {
  if (!address.includes(':')) {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    return { family: 4, groups: [a * 256 + b, c * 256 + d] };
  }
  const [before = '', after] = address.split('::');
  const head = hexGroups(before);
  const tail = after === undefined ? [] : hexGroups(after);
  return { family: 6, groups: [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail] };
}

function hexGroups(side: string): number[] {
  return side === '' ? [] : side.split(':').map((group) => Number.parseInt(group, 16));
}
