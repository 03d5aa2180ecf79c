/** Asks an OCSP responder (RFC 6960) over http: answers are signed, so that nothing else need protect them. */
import { request } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { deadline } from '../lib/deadline.ts';

/** Gives a responder's answer to a question. @throws Error when none comes; the signal's reason. */
export type OcspFetch = (url: string, question: Buffer, signal: AbortSignal) => Promise<Buffer>;

/** Asks with POST. The answer has a bound, for who gives it has not proved who he is; redirects are not followed. */
export function ocspFetch(clock: Clock): OcspFetch {
  return async (url, question, signal) => {
    using limit = deadline(clock, ANSWER_MS, signal);
    return await post(url, question, limit.signal);
  };
}

const ANSWER_MS = 15_000;
const ANSWER_BYTES_MAX = 65_536;

function post(url: string, question: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/ocsp-request', 'Content-Length': question.length };
    const asked = request(url, { method: 'POST', headers, signal, agent: false }, (answer) => {
      if (answer.statusCode !== 200) {
        reject(new Error(`the responder answered with status ${answer.statusCode}`));
        asked.destroy();
        return;
      }
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`));
      });
      answer.on('end', () => resolve(Buffer.concat(pieces)));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(question);
  });
}
