/** What old servers answer to a ClientHello, by hand: no library that is here would still say it. */
import { TLS_VERSIONS, type TlsVersion } from '../../src/probe/client-hello.ts';

/** A server that knows one version and some suites, and nothing better. */
export interface OldServer {
  readonly version: TlsVersion;
  /** In its order. */
  readonly suites: readonly number[];
  readonly compresses?: true;
  readonly safeRenegotiation?: false;
  /** The size of its prime, for suites with finite-field Diffie-Hellman. */
  readonly primeBits?: number;
  /** Its curves, for suites with ECDHE. */
  readonly curves?: readonly number[];
}

/** What it answers; undefined, so that the connection ends, where an alert is due. */
export function answerOf(server: OldServer): (hello: Buffer) => Buffer | undefined {
  return (hello) => {
    const offer = readOffer(hello);
    const suite = server.suites.find((code) => offer.suites.includes(code));
    const curve = server.curves?.find((code) => offer.groups.includes(code));
    if (offer.version !== TLS_VERSIONS[server.version] || suite === undefined) return undefined;
    if (server.curves !== undefined && curve === undefined) return undefined;
    const deflate = server.compresses === true && offer.compression.includes(1);
    return Buffer.concat([
      handshake(2, helloBody(server, suite, deflate)),
      ...(server.primeBits === undefined ? [] : [handshake(12, vector16(Buffer.alloc(server.primeBits / 8, 0xff)))]),
      ...(curve === undefined ? [] : [handshake(12, Buffer.from([3, curve >> 8, curve & 255, 1, 4]))]),
      handshake(14, Buffer.alloc(0)),
    ]);
  };
}

function helloBody(server: OldServer, suite: number, deflate: boolean): Buffer {
  const version = TLS_VERSIONS[server.version];
  const safe = server.safeRenegotiation === false ? [] : [vector16(Buffer.from([0xff, 1, 0, 1, 0]))];
  return Buffer.concat([
    Buffer.from([version >> 8, version & 255]),
    Buffer.alloc(32, 7),
    Buffer.from([0, suite >> 8, suite & 255, deflate ? 1 : 0]),
    ...safe,
  ]);
}

function handshake(type: number, body: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0]), vector16(body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), vector16(message)]);
}

function vector16(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([content.length >> 8, content.length & 255]), content]);
}

/** What a ClientHello offers. */
function readOffer(hello: Buffer) {
  const version = hello.readUInt16BE(9);
  const suitesAt = 44 + (hello[43] ?? 0);
  const suiteBytes = hello.readUInt16BE(suitesAt);
  const compressionAt = suitesAt + 2 + suiteBytes;
  const compressionBytes = hello[compressionAt] ?? 0;
  const compression = [...hello.subarray(compressionAt + 1, compressionAt + 1 + compressionBytes)];
  const groups: number[] = [];
  // Behind compression comes the length of all extensions, then type, length and content of each.
  let at = compressionAt + 1 + compressionBytes + 2;
  let modern = false;
  while (at + 4 <= hello.length) {
    const length = hello.readUInt16BE(at + 2);
    if (hello.readUInt16BE(at) === 10) groups.push(...numbers(hello.subarray(at + 6, at + 4 + length)));
    modern ||= hello.readUInt16BE(at) === 43;
    at += 4 + length;
  }
  return {
    version: modern ? TLS_VERSIONS['TLSv1.3'] : version,
    suites: numbers(hello.subarray(suitesAt + 2, compressionAt)),
    compression,
    groups,
  };
}

function numbers(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(index * 2));
}
