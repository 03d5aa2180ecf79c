/** Asking a server by ClientHello alone: one connection, one offer, one answer. */
import { randomBytes } from 'node:crypto';
import { deadline } from '../lib/deadline.ts';
import { firstOf } from '../lib/first-of.ts';
import { type ClientHello, clientHelloRecord } from './client-hello.ts';
import { type ProbeBounds, ProbeClient } from './probe-client.ts';
import { readServerAnswer, type ServerAnswer } from './server-answer.ts';
import { type ProbeTarget, sniOf } from './target.ts';

/** What is offered; the rest of a ClientHello is the same for all. */
export type Offer = Pick<ClientHello, 'version' | 'suites' | 'groups'> & { readonly compression?: boolean };

/** How long an answer to a ClientHello may take. */
const ANSWER_MS = 10_000;

/**
 * Offers something on a connection of its own. A server that closes the connection without a word has declined as well:
 * that comes out as the alert `handshake_failure`.
 *
 * @throws the system's error; Error when the server is silent, or AUTH TLS is refused.
 */
export async function exchangeHello(target: ProbeTarget, bounds: ProbeBounds, offer: Offer): Promise<ServerAnswer> {
  using client = await ProbeClient.connect(target, bounds);
  if (target.mode === 'explicit') await client.askForTls();
  const socket = client.surrenderSocket();
  const chunks: Buffer[] = [];
  const early = client.unread;
  if (early !== '') return { kind: 'foreign' };
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(clientHelloRecord({ compression: false, ...offer, serverName: sniOf(target), random: randomBytes(64) }));
  using late = deadline(bounds.clock, ANSWER_MS, bounds.signal);
  for (;;) {
    const event = await firstOf(socket, ['data', 'end', 'close'], late.signal).catch((error: unknown) => {
      if (late.signal.aborted) throw error;
      return 'close' as const;
    });
    const answer = readServerAnswer(Buffer.concat(chunks));
    if (answer !== undefined) return answer;
    if (event !== 'data') return { kind: 'alert', code: HANDSHAKE_FAILURE };
  }
}

/** The alert that says "nothing of what you offer" (RFC 8446 section 6.2). */
const HANDSHAKE_FAILURE = 40;

/**
 * Everything out of `candidates` that the server takes, in the order in which it takes them: it is offered them all, then
 * all but what it has chosen, until it declines.
 */
export async function takenOneByOne(
  candidates: readonly number[],
  choice: (offered: readonly number[]) => Promise<number | undefined>,
): Promise<readonly number[]> {
  const taken: number[] = [];
  for (;;) {
    const left = candidates.filter((candidate) => !taken.includes(candidate));
    if (left.length === 0) return taken;
    const chosen = await choice(left);
    // A server that chooses what was not offered would keep us here for ever.
    if (chosen === undefined || !left.includes(chosen)) return taken;
    taken.push(chosen);
  }
}
