/** Which part of the Internet an address belongs to, as far as a client has to care. */
import { isInNetwork, parseIpNetwork } from '../protocol/ip-network.ts';

const PRIVATE = networks([
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', '0.0.0.0/8'],
  ...['::1', '::', 'fc00::/7', 'fe80::/10'],
]);

/** Whether nobody outside can reach this address (RFC 1918, 6598, 3927, 4193; loopback; unspecified). */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE.some((network) => isInNetwork(address, network));
}

function networks(texts: readonly string[]) {
  return texts.flatMap((text) => parseIpNetwork(text) ?? []);
}
