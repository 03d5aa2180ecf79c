/**
 * The first message of a TLS handshake, written by hand: so a probe can offer one version, one suite or one group at a
 * time, also those that no library will speak any more. The handshake is never finished; the server's answer says it all.
 */

/** The versions that can be asked for, by their numbers on the wire. */
export const TLS_VERSIONS = {
  SSLv3: 0x0300,
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
  'TLSv1.3': 0x0304,
} as const;
export type TlsVersion = keyof typeof TLS_VERSIONS;

/** What is offered. */
export interface ClientHello {
  readonly version: TlsVersion;
  /** In order of preference. */
  readonly suites: readonly number[];
  readonly groups: readonly number[];
  readonly serverName: string | undefined;
  /** Whether DEFLATE is offered, which no server should take (CVE-2012-4929). */
  readonly compression: boolean;
  /** 64 bytes of chance. */
  readonly random: Buffer;
}

/** Extensions (RFC 8446 section 4.2, RFC 8422 section 5.1.2, RFC 5746 section 3.2, RFC 7627 section 5.1). */
const EXTENSIONS = {
  serverName: 0,
  supportedGroups: 10,
  pointFormats: 11,
  signatureAlgorithms: 13,
  extendedMasterSecret: 23,
  supportedVersions: 43,
  pskModes: 45,
  keyShare: 51,
  renegotiationInfo: 0xff01,
} as const;

/** ECDSA, EdDSA, RSA-PSS, RSA PKCS#1 and, for old servers, SHA-1 and DSA. */
const SIGNATURES = [
  ...[0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b],
  ...[0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202],
];

/**
 * The record with the message. For TLS 1.3 it comes without a key share: the server then has to name the group that it
 * chooses in a HelloRetryRequest (RFC 8446 section 4.1.4), and nobody computes a key for nothing.
 */
export function clientHelloRecord(hello: ClientHello): Buffer {
  const { version, suites, compression, random } = hello;
  const wire = Math.min(TLS_VERSIONS[version], TLS_VERSIONS['TLSv1.2']);
  const body = Buffer.concat([
    uint16(wire),
    random.subarray(0, 32),
    // A session id makes TLS 1.3 look like a resumption to boxes in between (RFC 8446 appendix D.4).
    vector8(version === 'TLSv1.3' ? random.subarray(32, 64) : Buffer.alloc(0)),
    vector16(uint16s(suites)),
    vector8(Buffer.from(compression ? [1, 0] : [0])),
    ...(version === 'SSLv3' ? [] : [vector16(extensions(hello))]),
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), vector16(body)]);
  // The version of the record is that of the oldest peer that might read it.
  const record = Math.min(wire, TLS_VERSIONS.TLSv1);
  return Buffer.concat([Buffer.from([22]), uint16(record), vector16(message)]);
}

function extensions({ version, groups, serverName }: ClientHello): Buffer {
  const modern = version === 'TLSv1.3';
  return Buffer.concat([
    ...(serverName === undefined ? [] : [extension(EXTENSIONS.serverName, vector16(serverNameEntry(serverName)))]),
    extension(EXTENSIONS.supportedGroups, vector16(uint16s(groups))),
    extension(EXTENSIONS.pointFormats, vector8(Buffer.from([0]))),
    ...(TLS_VERSIONS[version] >= TLS_VERSIONS['TLSv1.2']
      ? [extension(EXTENSIONS.signatureAlgorithms, vector16(uint16s(SIGNATURES)))]
      : []),
    extension(EXTENSIONS.extendedMasterSecret, Buffer.alloc(0)),
    extension(EXTENSIONS.renegotiationInfo, vector8(Buffer.alloc(0))),
    ...(modern
      ? [
          extension(EXTENSIONS.supportedVersions, vector8(uint16(TLS_VERSIONS['TLSv1.3']))),
          extension(EXTENSIONS.pskModes, vector8(Buffer.from([1]))),
          extension(EXTENSIONS.keyShare, vector16(Buffer.alloc(0))),
        ]
      : []),
  ]);
}

function serverNameEntry(name: string): Buffer {
  return Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name, 'ascii'))]);
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([uint16(type), vector16(content)]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function uint16s(values: readonly number[]): Buffer {
  return Buffer.concat(values.map(uint16));
}

function vector8(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([content.length]), content]);
}

function vector16(content: Buffer): Buffer {
  return Buffer.concat([uint16(content.length), content]);
}
