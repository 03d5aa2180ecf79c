/** What passes between the process above and its workers besides shared state: names, and the form of what comes along. */
import { deserialize, serialize } from 'node:v8';
import { z } from 'zod';
import type { GatewayOptions } from '../config/options.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import type { GatewayCertificate } from '../server/certificates.ts';
import type { GatewaySession } from '../server/gateway-session.ts';
import type { ReloadedPart } from '../server/reload.ts';
import type { SessionSummary } from '../spi/command.ts';
import { countedItems } from './counted.ts';

const text = z.string();
const count = z.int().min(0);
const endpoint = z.object({ address: text, port: count });

/** A session as it crosses: what is undefined is not written down. */
const session = z
  .object({
    ...{ id: text, peer: endpoint, secure: z.boolean(), sinceMs: z.number() },
    ...{ account: text.optional(), host: text.optional(), clientName: text.optional() },
    transfer: z.object({ verb: text, bytesMoved: count }).optional(),
  })
  .transform(
    (crossed): GatewaySession => ({
      ...crossed,
      ...{ account: crossed.account, host: crossed.host, clientName: crossed.clientName, transfer: crossed.transfer },
    }),
  );

const certificate = z
  .object({
    ...{
      host: text.optional(),
      subject: text,
      names: z.array(text),
      keyKind: z.custom<GatewayCertificate['keyKind']>(),
    },
    ...{ fingerprint: text, notAfterMs: z.number(), daysLeft: z.number(), stapled: z.boolean() },
  })
  .transform((crossed): GatewayCertificate => ({ ...crossed, host: crossed.host }));

const summary = z
  .object({ id: text, account: text, address: text, sinceMs: z.number(), transfer: text.optional() })
  .transform((crossed): SessionSummary => ({ ...crossed, transfer: crossed.transfer }));

const reloadedPart = z.union([
  z.object({ part: text, outcome: z.enum(['reloaded', 'unchanged']) }),
  z.object({ part: text, outcome: z.literal('refused'), reason: text }),
]) satisfies z.ZodType<ReloadedPart>;

const virtualPath = text.transform((written, context): VirtualPath => {
  const path = resolvePath(ROOT, written);
  if (path !== undefined) return path;
  context.addIssue({ code: 'custom', message: 'is no path' });
  return z.NEVER;
});

/** What workers are asked or told, and what comes with it. */
export const TO_WORKER = {
  /** Makes its part of the gateway. */
  make: z.strictObject({
    /** From 1 on; in its log lines. */
    number: z.int().min(1),
    /** The name of its folder among the notes of uploads: no other process has had it. */
    folder: text,
    /** See `packedOptions`. */
    options: text,
    modules: z.array(z.strictObject({ name: text, folder: text })),
    /** The file that takes the secrets of TLS. */
    tlsKeylog: text.optional(),
    /** Whether somebody asks for numbers. */
    counted: z.boolean(),
    audited: z.boolean(),
    /** Whether files may be promised to be kept. */
    retained: z.boolean(),
  }),
  /** Begins: from then on it takes connections. */
  start: z.strictObject({}),
  sessions: z.strictObject({}),
  sessionsOf: z.strictObject({ account: text }),
  certificates: z.strictObject({}),
  /** Hands on what it has counted. */
  flush: z.strictObject({}),
  reload: z.strictObject({}),
  disconnect: z.strictObject({ session: text }),
  /** Takes no more connections: ends with the last session. */
  retire: z.strictObject({}),
  /** Ends the sessions that it still has: idle ones at once, others behind what they do. */
  endSessions: z.strictObject({ text }),
  /** Ends, as `Gateway.close` does. */
  close: z.strictObject({ graceMs: count }),
} as const;

/** What workers answer, where it is more than that it was done. */
export const FROM_WORKER = {
  sessions: z.array(session),
  sessionsOf: z.array(summary),
  certificates: z.array(certificate),
  reload: z.array(reloadedPart),
  disconnect: z.boolean(),
} as const;

/** What the process above is asked or told, and what comes with it. */
export const TO_SUPERVISOR = {
  /** A connection that was handed over is here: whoever handed it over need keep it no longer. */
  taken: z.strictObject({ connection: count }),
  /** A connection that was handed over has ended. */
  ended: z.strictObject({}),
  counted: countedItems,
  /** Ends by itself, as it was told to, behind the answer. */
  farewell: z.strictObject({}),
  /** Remembers where an account's files are, for deliveries. */
  root: z.strictObject({ account: text, root: text }),
  /** Hands an upload over that the worker has let go of. */
  handOver: z.strictObject({ upload: text }),
  isChecked: z.strictObject({ account: text, path: virtualPath }),
  /** An upload has its name. */
  published: z.strictObject({
    ...{ id: text, account: text, root: text.optional(), path: virtualPath, arrivedMs: z.number() },
  }),
  /** Has a receipt taken from the log and written; the answer is it, and where its account finds it. */
  receipt: z.strictObject({
    ...{ account: text, path: virtualPath, index: count, readers: z.enum(['account', 'operator']) },
  }),
} as const;

/** What it answers. */
export const FROM_SUPERVISOR = {
  receipt: z.strictObject({ place: virtualPath.optional(), text }).nullable(),
  isChecked: z.boolean(),
} as const;

/** What comes along with a socket. Others use the channel as well. */
export const handedSocket = z.strictObject({ handed: z.enum(['explicit', 'implicit']), connection: count });

/** The name of a question or of news to a worker: others use the same channel. */
export function workerNamed(name: keyof typeof TO_WORKER): string {
  return `worker.${name}`;
}

/** The same to the process above. */
export function houseNamed(name: keyof typeof TO_SUPERVISOR): string {
  return `house.${name}`;
}

/** Checked options as text that gives the same ones again: values of modules may be more than JSON can say. @throws Error for those that cannot be sent. */
export function packedOptions(options: GatewayOptions): string {
  try {
    return serialize(options).toString('base64');
  } catch (cause) {
    throw new Error('workers: the configuration has values of modules that cannot be handed to another process', {
      cause,
    });
  }
}

/** The options again; they are checked where they are used. */
export function unpackedOptions(packed: string): GatewayOptions {
  return deserialize(Buffer.from(packed, 'base64'));
}
