/**
 * What an ICAP server's answer says of a file (RFC 3507 sections 4.5, 4.6, 4.8.2 and 4.9.2). ICAP has no word for "infected":
 * servers say it with headers of their own, with an HTTP error in place of the file, or with another file in its place.
 */
import { createHash } from 'node:crypto';
import type { GateVerdict } from '../../spi/gate.ts';
import { shown } from './gate-keys.ts';
import {
  type ByteReader,
  chunkedBody,
  type Head,
  IcapBroken,
  type IcapHead,
  parseEncapsulated,
  readHttpHead,
} from './icap-answer.ts';

/** What was sent so far, to compare the answer with. */
export interface SentFile {
  readonly method: 'RESPMOD' | 'REQMOD';
  /** The first line of the HTTP request that was sent. */
  readonly requestLine: string;
  /** Bytes of the body so far. */
  bytes(): number;
  /** Whether the server may stop here: it has the whole file, or was given a preview to decide by. */
  decidable(): boolean;
  /** Size and SHA-256 of the whole file; undefined while a part of it has not been sent. */
  whole(): { readonly bytes: number; readonly sha256: string } | undefined;
}

/** A body in an answer that is so much longer than what was sent is another one. */
const LONGER_BYTES_MAX = 1_048_576;

/**
 * Reads the answer behind its head and says what it means.
 *
 * @throws IcapBroken for what is no answer; Error when the server says that it could not do its work.
 */
export async function verdictOf(head: IcapHead, reader: ByteReader, sent: SentFile): Promise<GateVerdict> {
  const { code } = head;
  if (code !== 200 && code !== 204) throw new Error(`the ICAP server answered ${code}`);
  const found = findingIn(head);
  if (found !== undefined) return { verdict: 'refuse', reason: found };
  if (code === 204) {
    // A server that gives up in the middle has not looked at the file, whatever it says.
    if (!sent.decidable()) throw new IcapBroken('the server answered 204 before it had the whole file');
    return { verdict: 'pass' };
  }
  const parts = parseEncapsulated(head.headers.get('encapsulated'));
  if (parts.head !== undefined) {
    const http = await readHttpHead(reader, parts.head.bytes);
    const refused = findingIn(http) ?? replacedBy(http, parts.head.kind, sent);
    if (refused !== undefined) return { verdict: 'refuse', reason: refused };
  }
  return await comparison(parts.body === 'none' ? [] : chunkedBody(reader), sent);
}

/** What the headers say that was found. */
function findingIn({ headers }: Head): string | undefined {
  const infection = headers.get('x-infection-found');
  if (infection !== undefined) {
    const threat = /(?:^|;)\s*Threat=([^;]+)/i.exec(infection)?.[1];
    return shown(threat ?? (infection || 'an infection'));
  }
  const virus = headers.get('x-virus-id');
  if (virus !== undefined) return shown(virus || 'a virus');
  const violations = headers.get('x-violations-found');
  return violations === undefined || violations === '0' ? undefined : `violations: ${shown(violations)}`;
}

/** What stands in the place of the HTTP message that was sent. @throws Error when it is the server's own failure. */
function replacedBy(http: Head, kind: 'req-hdr' | 'res-hdr', { method, requestLine }: SentFile): string | undefined {
  if (kind === 'req-hdr') {
    if (method === 'RESPMOD') throw new IcapBroken('the server answered a response with a request');
    return http.first === requestLine ? undefined : 'the server made another request of it';
  }
  const status = /^HTTP\/\d\.\d ([1-5]\d\d)(?: |$)/.exec(http.first)?.[1];
  if (status === undefined) throw new IcapBroken('the HTTP status in the answer is broken');
  if (status.startsWith('5')) throw new Error(`the ICAP server answered with HTTP ${status}`);
  return method === 'RESPMOD' && status === '200' ? undefined : `the server answered with HTTP ${status}`;
}

const CHANGED = { verdict: 'refuse', reason: 'the server put other contents in its place' } as const;

/** A server that has nothing to say may send the file back as it is; it is not kept, only compared. */
async function comparison(body: Iterable<Buffer> | AsyncIterable<Buffer>, sent: SentFile): Promise<GateVerdict> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of body) {
    hash.update(piece);
    bytes += piece.length;
    if (bytes > sent.bytes() + LONGER_BYTES_MAX) return CHANGED;
  }
  // Nobody can send back what was not sent.
  const whole = sent.whole();
  return bytes === whole?.bytes && hash.digest('hex') === whole.sha256 ? { verdict: 'pass' } : CHANGED;
}
