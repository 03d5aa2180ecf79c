/**
 * Asking a hook over HTTP: one POST on a connection of its own, with a short answer. Redirects are not followed: what is
 * sent is for the hook that the operator named.
 */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

/** What is sent, and to whom. */
export interface HookRequest {
  readonly url: string;
  /** PEM: the authorities that may have issued the hook's certificate; without it, the public ones. */
  readonly ca?: string | undefined;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Writes the body and ends the request, or throws. The signal aborts when there is an answer, or nobody waits for one. */
  send(request: ClientRequest, signal: AbortSignal): void | Promise<void>;
  readonly signal: AbortSignal;
  /** What counts as an answer: 200 with its text, which is the default, or any 2xx, of which nothing is read. */
  readonly answer?: 'text' | 'status' | undefined;
}

/** An answer is a few lines; one that is longer is not read to its end. */
const ANSWER_BYTES_MAX = 65_536;

/**
 * Sends a request and reads the answer, which may come before everything was sent; nothing more is sent then.
 *
 * @returns the text of the answer, and whether all had been sent when it began. @throws Error for everything else;
 * the signal's reason.
 */
export async function askHook({
  url,
  ca,
  headers,
  send,
  signal,
  answer = 'text',
}: HookRequest): Promise<{ text: string; sent: boolean }> {
  signal.throwIfAborted();
  // Without an agent nothing of one request, and no proxy, is left for the next.
  const options = { method: 'POST', agent: false, headers, signal } as const;
  const answered = Promise.withResolvers<IncomingMessage>();
  const request = url.startsWith('https:')
    ? tlsRequest(url, { ...options, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }, answered.resolve)
    : plainRequest(url, options, answered.resolve);
  request.on('error', answered.reject);
  // What goes wrong in sending matters only while there is no answer.
  const over = new AbortController();
  const sending = Promise.resolve(send(request, AbortSignal.any([signal, over.signal]))).catch((error: unknown) => {
    answered.reject(error);
    request.destroy();
  });
  try {
    const response = await answered.promise;
    const sent = request.writableEnded;
    try {
      const { statusCode: status = 0 } = response;
      const good = answer === 'text' ? status === 200 : status >= 200 && status < 300;
      if (!good) throw new Error(`the hook answered ${status}`);
      return { text: answer === 'text' ? await wholeText(response) : '', sent };
    } finally {
      response.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    over.abort(new Error('the answer is there'));
    request.destroy();
    await sending;
  }
}

async function wholeText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the hook answered with more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
