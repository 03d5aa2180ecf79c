/**
 * ALPN (RFC 7301). A client that names protocols must name this one; else the handshake ends with the alert
 * no_application_protocol. So a browser that an attacker has led here, to a server with a certificate that it trusts, sends
 * nothing and believes nothing (ALPACA, CVE-2021-3618). A client that names none, as most do, is served.
 */

/** What is spoken on control and on data connections, as clients name it. */
export type AlpnProtocol = 'ftp' | 'ftp-data';

/** The `ALPNCallback` of the sockets of one kind. Node asks it when the client has named protocols, and only then. */
export const ALPN_CALLBACKS: Readonly<Record<AlpnProtocol, AlpnCallback>> = {
  ftp: chooses('ftp'),
  'ftp-data': chooses('ftp-data'),
};

/** Returns the protocol that was chosen out of those that the client named; undefined refuses. */
type AlpnCallback = (offer: { readonly protocols: readonly string[] }) => string | undefined;

function chooses(protocol: AlpnProtocol): AlpnCallback {
  return ({ protocols }) => (protocols.includes(protocol) ? protocol : undefined);
}
