/**
 * Whom data connections may join: the client's own address, and what the operator lets in besides for transfers between
 * two servers (FXP). It is decided here, where connections are made and taken, and not by the commands that ask for them.
 */
import { type IpNetwork, isInNetwork, parseIpNetwork } from '../protocol/ip-network.ts';
import { Fault } from '../spi/fault.ts';
import type { Endpoint } from '../spi/session.ts';

/** What clients may have the gateway connect to. */
export interface ActivePolicy {
  readonly enabled: boolean;
  /** Networks besides the client's own address. */
  readonly foreignAddresses: readonly string[];
  readonly privilegedPorts: boolean;
}

/** Below it live services that a stranger must not make us connect to. */
const UNPRIVILEGED_PORT_MIN = 1_024;

/**
 * This machine and its own link, where metadata services and unprotected daemons trust whoever comes. Whoever lets in
 * everything has not thought of them, so only a network within one of them lets its addresses in.
 */
const NEAR = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8']
  .map(parseIpNetwork)
  .filter((network) => network !== undefined);

/**
 * Refuses endpoints that the gateway must not connect to: any other address would make it a bouncing board for attacks
 * (CVE-1999-0017; RFC 4217 section 15.2.1).
 *
 * @throws Fault `NotImplemented`, `Syntax`.
 */
export function refuseTarget({ address, port }: Endpoint, peer: Endpoint, policy: ActivePolicy): void {
  if (!policy.enabled) {
    throw new Fault('NotImplemented', { text: 'Active mode is switched off here: use PASV or EPSV.' });
  }
  if (!isAllowedPeer(address, peer, policy.foreignAddresses)) {
    throw new Fault('Syntax', { text: 'Data connections go to the address of the control connection only.' });
  }
  if (port < UNPRIVILEGED_PORT_MIN && !policy.privilegedPorts) {
    throw new Fault('Syntax', { text: `Ports below ${UNPRIVILEGED_PORT_MIN} are refused.` });
  }
}

/** Whether a data connection may be made with this address. */
export function isAllowedPeer(address: string, peer: Endpoint, foreignAddresses: readonly string[]): boolean {
  if (address === peer.address) return true;
  const near = NEAR.find((network) => isInNetwork(address, network));
  return foreignAddresses.some((text) => {
    const network = parseIpNetwork(text);
    if (network === undefined || !isInNetwork(address, network)) return false;
    return near === undefined || isWithin(network, near);
  });
}

/** Of two networks that share an address, whether all of `inner` lies in `outer`. */
function isWithin(inner: IpNetwork, outer: IpNetwork): boolean {
  return inner.prefixBits >= outer.prefixBits;
}
