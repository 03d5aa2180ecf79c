/**
 * A hook of the operator's own as a gate: it is told of a file, or sent the file, over HTTPS, and answers with a verdict. What
 * it is told is signed, so that it can know that it was this gateway which asked.
 */
import { readFile } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { z } from 'zod';
import { within } from '../../lib/deadline.ts';
import { askHook } from '../../lib/hook-request.ts';
import { hookSignature } from '../../lib/hook-signature.ts';
import { HOOK_URL_RULE, isHookUrl } from '../../lib/hook-url.ts';
import { put } from '../../lib/put.ts';
import { readSecret } from '../../lib/secret-file.ts';
import { untilAborted } from '../../lib/until-aborted.ts';
import { defineGate, type Gate, type GateItem, type GateVerdict } from '../../spi/gate.ts';
import { arrivedBefore, filePath, type GateParts, gateKeys, inTurn, shown } from './gate-keys.ts';

/** A hook over HTTP. */
export const httpGateEntry = z.strictObject({
  kind: z.literal('http'),
  ...gateKeys,
  /** Where it is asked (POST); `http://` is for this machine only. */
  url: z.string().max(4_096).refine(isHookUrl, { error: HOOK_URL_RULE }),
  /** PEM file: the authorities that may have issued the hook's certificate; without it, the public ones. */
  caFile: filePath.optional(),
  /** File with the key that requests are signed with, mode 0600; without it they are not signed. */
  secretFile: filePath.optional(),
  /** Whether it is told of the file, or sent it. */
  send: z.enum(['metadata', 'content']).default('metadata'),
});

/** A hook, checked and with its defaults. */
export type HttpGateOptions = z.output<typeof httpGateEntry>;

/** Asks a hook. */
export function httpGate(options: HttpGateOptions, { clock }: GateParts): Gate {
  const { name, deadlineMs, url, caFile, secretFile } = options;
  return inTurn(
    options.parallelMax,
    defineGate({
      name,
      deadlineMs,
      async inspect(item, signal) {
        const secret = secretFile === undefined ? undefined : await readSecret(secretFile);
        const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
        const seconds = String(Math.floor(clock.now() / 1_000));
        const content = options.send === 'content';
        const arrived = content ? await arrivedBefore(item) : await within(signal, () => item.arrived);
        const told = metadataOf(item, arrived);
        const headers = {
          Accept: 'application/json',
          'X-Sallyport-Timestamp': seconds,
          ...(secret !== undefined && { 'X-Sallyport-Signature': hookSignature(secret.reveal(), seconds, told) }),
          ...(content
            ? { 'Content-Type': 'application/octet-stream', 'X-Sallyport-Upload': told, ...lengthOf(arrived?.bytes) }
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(told) }),
        };
        const sendContent = async (request: ClientRequest, unanswered: AbortSignal) => {
          for await (const piece of untilAborted(item.content, unanswered)) {
            await put(request, piece, { clock, idleMs: deadlineMs, signal: unanswered });
          }
          request.end();
        };
        const send = content ? sendContent : (request: ClientRequest) => void request.end(told);
        const answered = await askHook({ url, ca, headers, send, signal });
        const verdict = verdictOf(answered.text);
        if (verdict.verdict === 'pass' && !answered.sent)
          throw new Error('the hook passed a file before it had all of it');
        return verdict;
      },
    }),
  );
}

/** What the hook is told, as JSON of plain ASCII, since a header takes nothing else. Its SHA-256 stands for the contents. */
function metadataOf(item: GateItem, arrived: Awaited<GateItem['arrived']> | undefined): string {
  const { id, account, path, address } = item;
  const told = {
    ...{ upload: id, account, path, address: address ?? null },
    ...{ bytes: arrived?.bytes ?? null, sha256: arrived?.sha256 ?? null },
  };
  return JSON.stringify(told).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function lengthOf(bytes: number | undefined): Record<string, string | number> {
  return bytes === undefined ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': bytes };
}

const words = z.string().max(4_096);

/** What the hook may say, and nothing else. */
const answer = z.discriminatedUnion('verdict', [
  z.strictObject({ verdict: z.literal('pass'), reason: words.optional() }),
  z.strictObject({ verdict: z.literal('refuse'), reason: words.optional(), told: words.optional() }),
]);

function verdictOf(text: string): GateVerdict {
  const said = answer.safeParse(parsed(text)).data;
  if (said === undefined) throw new Error('the hook answered something else than a verdict');
  const reason = shown(said.reason ?? '');
  if (said.verdict === 'pass') return { verdict: 'pass', ...(reason !== '' && { detail: reason }) };
  const told = shown(said.told ?? '');
  return { verdict: 'refuse', reason: reason || 'the hook refused', ...(told !== '' && { told }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the hook did not answer in JSON');
  }
}
