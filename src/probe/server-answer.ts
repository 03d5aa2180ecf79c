/**
 * What a server answers to a ClientHello, as far as it can be read without any key: its ServerHello, in the versions before
 * 1.3 the parameters of its key exchange, or the alert with which it declines.
 */
import { suiteName } from './cipher-suites.ts';
import { TLS_VERSIONS, type TlsVersion } from './client-hello.ts';

/** The answer. */
export type ServerAnswer =
  | {
      readonly kind: 'hello';
      /** The version chosen; undefined when it is none that we know. */
      readonly version: TlsVersion | undefined;
      readonly suite: number;
      /** The group chosen, when the answer names one. */
      readonly group: number | undefined;
      /** The size of the prime in bits, for finite-field Diffie-Hellman before TLS 1.3. */
      readonly primeBits: number | undefined;
      readonly compression: boolean;
      /** Whether it knows the safe form of renegotiation (RFC 5746). */
      readonly safeRenegotiation: boolean;
    }
  | { readonly kind: 'alert'; readonly code: number }
  /** It is not TLS. */
  | { readonly kind: 'foreign' };

type Hello = Extract<ServerAnswer, { kind: 'hello' }>;

const ALERT_RECORD = 21;
const HANDSHAKE_RECORD = 22;
/** Handshake messages (RFC 8446 section 4, RFC 5246 section 7.4). */
const SERVER_HELLO = 2;
const SERVER_KEY_EXCHANGE = 12;
const SERVER_HELLO_DONE = 14;
const NAMED_CURVE = 3;
/** A handshake message longer than this is none that we wait for. Protects memory. */
const ANSWER_BYTES_MAX = 262_144;

/** Reads an answer from the bytes that have come. @returns undefined while more are needed. */
export function readServerAnswer(bytes: Buffer): ServerAnswer | undefined {
  const { handshake, alert, foreign } = records(bytes);
  if (foreign || bytes.length > ANSWER_BYTES_MAX) return { kind: 'foreign' };
  let hello: Hello | undefined;
  for (const { type, body } of messages(handshake)) {
    if (type === SERVER_HELLO) hello = serverHello(body);
    if (type === SERVER_HELLO && hello === undefined) return { kind: 'foreign' };
    if (hello === undefined) continue;
    if (hello.version === 'TLSv1.3') return hello;
    if (type === SERVER_KEY_EXCHANGE) return { ...hello, ...keyExchange(body, hello.suite) };
    if (type === SERVER_HELLO_DONE) return hello;
  }
  // An alert behind a hello says that the server could not go on, not that it has declined what was offered.
  if (alert !== undefined) return hello ?? { kind: 'alert', code: alert };
  return undefined;
}

/** The bytes of handshake messages in all records, and what else the records are. */
function records(bytes: Buffer) {
  const parts: Buffer[] = [];
  let alert: number | undefined;
  let offset = 0;
  while (offset < bytes.length) {
    const type = bytes[offset];
    if (type !== ALERT_RECORD && type !== HANDSHAKE_RECORD)
      return { handshake: Buffer.concat(parts), alert, foreign: parts.length === 0 && alert === undefined };
    if (offset + 5 > bytes.length) break;
    if (bytes[offset + 1] !== 3) return { handshake: Buffer.concat(parts), alert, foreign: true };
    const end = offset + 5 + bytes.readUInt16BE(offset + 3);
    if (end > bytes.length) break;
    const content = bytes.subarray(offset + 5, end);
    if (type === HANDSHAKE_RECORD) parts.push(content);
    else if (isRefusal(content)) alert = content[1];
    offset = end;
  }
  return { handshake: Buffer.concat(parts), alert, foreign: false };
}

/** A warning (level 1) lets the handshake go on, such as that an SNI name is unknown. */
function isRefusal(alert: Buffer): boolean {
  return alert[0] === 2 || alert[1] === 0;
}

function* messages(bytes: Buffer): Generator<{ readonly type: number; readonly body: Buffer }> {
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const end = offset + 4 + bytes.readUIntBE(offset + 1, 3);
    if (end > bytes.length) return;
    yield { type: bytes[offset] ?? 0, body: bytes.subarray(offset + 4, end) };
    offset = end;
  }
}

function serverHello(body: Buffer): Hello | undefined {
  // Version, random, session id; then suite and compression (RFC 8446 section 4.1.3).
  const idBytes = body[34] ?? 0;
  const suiteAt = 35 + idBytes;
  if (body.length < suiteAt + 3) return undefined;
  const found = extensions(body.subarray(suiteAt + 3));
  const wire = found.get(43)?.readUInt16BE(0) ?? body.readUInt16BE(0);
  const share = found.get(51);
  return {
    kind: 'hello',
    version: versionOf(wire),
    suite: body.readUInt16BE(suiteAt),
    group: share !== undefined && share.length >= 2 ? share.readUInt16BE(0) : undefined,
    primeBits: undefined,
    compression: body[suiteAt + 2] !== 0,
    safeRenegotiation: found.has(0xff01),
  };
}

function extensions(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  let offset = 2;
  while (offset + 4 <= bytes.length) {
    const end = offset + 4 + bytes.readUInt16BE(offset + 2);
    const content = bytes.subarray(offset + 4, end);
    const type = bytes.readUInt16BE(offset);
    // A version or a group that is cut short is none.
    if (type !== 43 || content.length >= 2) found.set(type, content);
    offset = end;
  }
  return found;
}

function versionOf(wire: number): TlsVersion | undefined {
  const names: readonly TlsVersion[] = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
  return names.find((name) => TLS_VERSIONS[name] === wire);
}

/** The curve, or the size of the prime (RFC 8422 section 5.4, RFC 5246 section 7.4.3). */
function keyExchange(body: Buffer, suite: number): Partial<Pick<Hello, 'group' | 'primeBits'>> {
  if (suiteName(suite).includes('_ECDH')) {
    return body[0] === NAMED_CURVE && body.length >= 4 ? { group: body.readUInt16BE(1) } : {};
  }
  if (body.length < 3) return {};
  const primeBytes = body.readUInt16BE(0);
  const prime = body.subarray(2, 2 + primeBytes);
  const first = prime.findIndex((byte) => byte !== 0);
  if (first < 0) return {};
  return { primeBits: (prime.length - first - 1) * 8 + (32 - Math.clz32(prime[first] ?? 0)) };
}
