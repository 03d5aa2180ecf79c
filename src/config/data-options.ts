/** How data connections come about: passive and active. */
import { z } from 'zod';
import { parseIpNetwork } from '../protocol/ip-network.ts';
import { ifSound } from './option-checks.ts';

/** Networks that data connections may go to, or come from, besides the client's own address. */
const foreignNetworks = z
  .array(
    z.string().refine((text) => parseIpNetwork(text) !== undefined, {
      error: 'must be an address or a network, such as 192.0.2.7 or 192.0.2.0/24',
    }),
  )
  .max(1_000)
  .default([]);

/** What PASV tells the clients that reached the gateway at one of its addresses. */
const passiveAddressOptions = z.strictObject({
  /** The gateway's own address that the client connected to, as the machine sees it behind NAT. */
  local: z.ipv4({ error: 'must be an IPv4 address: PASV knows no other (RFC 959 section 4.1.2)' }),
  /** The address that this one is seen as from outside. */
  outside: z.ipv4({ error: 'must be an IPv4 address: PASV knows no other (RFC 959 section 4.1.2)' }),
});

/** Ports for data connections that the client opens (PASV, EPSV). */
export const passiveOptions = z
  .strictObject({
    /** First port; the range is what a firewall has to let in. Privileged ports are never used. */
    portMin: passivePort().default(50_000),
    /** Last port; each running transfer takes one, so a thousand are ample. */
    portMax: passivePort().default(50_999),
    /** The IPv4 address that PASV tells clients, behind NAT; without it the address that they connected to. */
    address: z.ipv4({ error: 'must be an IPv4 address: PASV knows no other (RFC 959 section 4.1.2)' }).optional(),
    /** The same for each of several addresses behind NAT; for one that is not in the list, `address` holds. */
    addresses: z.array(passiveAddressOptions).max(1_000).superRefine(refuseTwins).default([]),
    /**
     * Networks whose connections are taken on a passive port although the client is elsewhere (FXP). None: another
     * address on a passive port is somebody who steals the data.
     */
    foreignAddresses: foreignNetworks,
  })
  .superRefine(checkPortRange, ifSound('portMin', 'portMax'));

/** Data connections that the gateway opens (PORT, EPRT): to the client's own address, unless others are let in here. */
export const activeOptions = z.strictObject({
  /**
   * On, since old partners need it and the peer rule closes the bounce attack; off where no outgoing traffic is
   * allowed.
   */
  enabled: z.boolean().default(true),
  /**
   * Networks that clients may have the gateway connect to besides their own address (FXP). None: any address would make
   * it a bouncing board for attacks (CVE-1999-0017).
   */
  foreignAddresses: foreignNetworks,
  /** Whether it connects to ports below 1024. Off: live services listen there, and no client needs one. */
  privilegedPorts: z.boolean().default(false),
});

/** How much of a transfer is on its way at once. More is faster, and each running transfer may take some of both. */
export const bufferOptions = z.strictObject({
  /** Received bytes that may wait to be stored; beyond them the client is not read. */
  receiveBytes: bufferBytes(),
  /** Bytes of a download handed to TLS or the socket at once; never more than 128 KiB, to tell slow clients from dead ones. */
  sendBytes: bufferBytes(),
});

function bufferBytes() {
  return z.int().min(16_384).max(16_777_216).default(1_048_576);
}

function refuseTwins(addresses: readonly { readonly local: string }[], context: z.RefinementCtx): void {
  addresses.forEach(({ local }, index) => {
    const twin = addresses.findIndex((other) => other.local === local);
    if (twin < index) context.addIssue({ code: 'custom', path: [index, 'local'], message: 'is in the list already' });
  });
}

function passivePort() {
  return z
    .int()
    .min(0)
    .max(65_535)
    .refine((port) => port === 0 || port >= 1_024, { error: 'must be 1024 to 65535, or 0 for any free port' });
}

function checkPortRange({ portMin, portMax }: { portMin: number; portMax: number }, context: z.RefinementCtx): void {
  const oneIsFree = (portMin === 0) !== (portMax === 0);
  const message = oneIsFree ? 'must be 0 exactly when the first port is' : 'is below the first port';
  if (oneIsFree || portMax < portMin) context.addIssue({ code: 'custom', path: ['portMax'], message });
}
