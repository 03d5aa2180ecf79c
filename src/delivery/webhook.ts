/**
 * A hook of the operator's own that is told of published files over HTTPS. It is sent the record, not the file, and what it is
 * sent is signed. Any answer of 2xx means that it has it; redirects are not followed.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { askHook } from '../lib/hook-request.ts';
import { hookSignature } from '../lib/hook-signature.ts';
import { HOOK_URL_RULE, isHookUrl } from '../lib/hook-url.ts';
import { readSecret } from '../lib/secret-file.ts';
import { deliveryKeys, filePath, type Parcel, refuseCrossedWaits, type Way, type WayParts } from './way.ts';

/** A hook. */
export const webhookEntry = z
  .strictObject({
    kind: z.literal('webhook'),
    ...deliveryKeys,
    /** Where it is told (POST); `http://` is for this machine only. */
    url: z.string().max(4_096).refine(isHookUrl, { error: HOOK_URL_RULE }),
    /** PEM file: the authorities that may have issued the hook's certificate; without it, the public ones. */
    caFile: filePath.optional(),
    /** File with the key that requests are signed with, mode 0600. */
    secretFile: filePath,
    /** Whether it is sent the upload's receipt too. */
    receipt: z.boolean().default(false),
  })
  .superRefine(refuseCrossedWaits);

/** A hook, checked and with its defaults. */
export type WebhookOptions = z.output<typeof webhookEntry>;

/** Tells a hook. */
export function webhook(options: WebhookOptions, { clock }: WayParts): Way {
  const { url, caFile, secretFile } = options;
  return {
    ...options,
    async handOn(parcel, signal) {
      const secret = await readSecret(secretFile);
      const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
      const told = await toldOf(parcel, options);
      const seconds = String(Math.floor(clock.now() / 1_000));
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(told),
        'X-Sallyport-Delivery': parcel.key,
        'X-Sallyport-Timestamp': seconds,
        'X-Sallyport-Signature': hookSignature(secret.reveal(), seconds, told),
      };
      await askHook({ url, ca, headers, send: (request) => void request.end(told), signal, answer: 'status' });
    },
  };
}

async function toldOf(parcel: Parcel, { name, receipt }: WebhookOptions): Promise<string> {
  const { key, attempt, published, record } = parcel;
  return JSON.stringify({
    ...{ key, delivery: name, attempt, index: published.index },
    record: JSON.parse(record),
    ...(receipt && { receipt: await parcel.receipt() }),
  });
}
