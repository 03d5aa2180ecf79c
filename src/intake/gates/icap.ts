/**
 * Any ICAP server as a gate (RFC 3507): the file is sent as the body of an HTTP response or request, each on a connection of
 * its own, with a preview where the service asks for one.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Places } from '../../lib/places.ts';
import { defineGate, type Gate } from '../../spi/gate.ts';
import { connectionKeys, filePath, type GateParts, gateKeys, inPlaces, isThisMachine } from './gate-keys.ts';
import { askOptions, type IcapService, type IcapUri, previewFor } from './icap-service.ts';
import { IcapTransaction } from './icap-transaction.ts';
import { openWire, type WireEnd } from './wire.ts';

/** An ICAP service. */
export const icapEntry = z
  .strictObject({
    kind: z.literal('icap'),
    ...gateKeys,
    ...connectionKeys,
    /** The service: `icap://host:1344/service`, or `icaps://` for TLS from the first byte. */
    url: z
      .string()
      .max(4_096)
      .refine((written) => placeOf(written) !== undefined, {
        error: 'must be an icap:// or icaps:// URL of a service, without a user, a password or a fragment',
      }),
    /** PEM file: the authorities that may have issued the server's certificate; without it, the public ones. */
    caFile: filePath.optional(),
    /** Whether files are shown as what a server answered, as most services want it, or as what a client sends. */
    method: z.enum(['respmod', 'reqmod']).default('respmod'),
    /** Whether a service that asks for a preview gets one, and may pass a file by its beginning. */
    preview: z.boolean().default(true),
  })
  .superRefine(({ url, clearTextAllowed }, context) => {
    const place = placeOf(url);
    if (place === undefined || place.secure || clearTextAllowed || isThisMachine(place.host)) return;
    const message =
      'is another machine, and icap:// is clear text: use icaps://, or set clear_text_allowed if the way is yours';
    context.addIssue({ code: 'custom', path: ['url'], message });
  });

/** An ICAP service, checked and with its defaults. */
export type IcapOptions = z.output<typeof icapEntry>;

/** Asks an ICAP service. */
export function icapGate(options: IcapOptions, { clock }: GateParts): Gate {
  const { name, deadlineMs, connectTimeoutMs, caFile, parallelMax } = options;
  const place = placeOf(options.url);
  if (place === undefined) throw new TypeError(`gate ${name}: '${options.url}' is no URL of an ICAP service`);
  const method = options.method === 'respmod' ? 'RESPMOD' : 'REQMOD';
  // One at first: it asks how many connections the service takes.
  const places = new Places(1);
  let known: IcapService | undefined;
  return inPlaces(
    places,
    defineGate({
      name,
      deadlineMs,
      async inspect(item, signal) {
        const ca = place.secure && caFile !== undefined ? await readFile(caFile, 'utf8') : undefined;
        const end: WireEnd = { host: place.host, port: place.port, tls: place.secure ? { ca } : undefined };
        const patience = { clock, connectTimeoutMs, idleMs: deadlineMs, signal };
        try {
          if (known === undefined || known.untilMs <= clock.monotonicMs()) {
            using wire = await openWire(end, patience);
            known = await askOptions(wire, place, { method, clock });
            places.max = Math.max(1, Math.min(parallelMax, known.connectionsMax ?? parallelMax));
          }
          const previewBytes = options.preview ? previewFor(known, item.path) : undefined;
          using wire = await openWire(end, patience);
          return await new IcapTransaction(wire, item, signal).run({ place, method, previewBytes });
        } catch (error) {
          // A service that was set up anew may want something else.
          known = undefined;
          throw error;
        }
      },
    }),
  );
}

interface IcapPlace extends IcapUri {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Where a URL leads; undefined when it is none of a service. */
function placeOf(written: string): IcapPlace | undefined {
  const url = URL.parse(written);
  if (url === null || !/^icaps?:$/.test(url.protocol) || url.hostname === '') return undefined;
  if (url.username !== '' || url.password !== '' || url.hash !== '' || url.pathname.length < 2) return undefined;
  const secure = url.protocol === 'icaps:';
  const port = url.port === '' ? (secure ? 11_344 : 1_344) : Number(url.port);
  return {
    ...{ secure, port, host: url.hostname.replace(/^\[|\]$/g, ''), authority: url.host },
    uri: `${url.protocol}//${url.host}${url.pathname}${url.search}`,
  };
}
