/**
 * What can be asked of a running gateway through its control socket, and what it answers: one JSON object a line in both
 * directions. The vocabulary is closed; whatever else comes is refused and does nothing.
 */
import { z } from 'zod';
import { ITEM_STATES } from '../intake/doors/item-state.ts';
import { intentSchema } from '../intake/doors/upload.ts';

/** The name of the socket in the state directory. */
export const CONTROL_SOCKET = 'control.sock';

/** The longest request, in bytes: a checkpoint with many cosignatures fits. */
export const REQUEST_BYTES_MAX = 262_144;

const id = z.int().min(0);
const name = z.string().min(1).max(256);
const uploadId = z.string().regex(/^[0-9a-f]{24}$/);
/** Who gives the order, by the word of the program that asks; the socket's permissions say whose programs can. */
const operator = name;
/** Why, for the record. */
const reason = z.string().min(1).max(1_000);

/** A request. */
export const controlRequest = z.discriminatedUnion('act', [
  z.strictObject({ id, act: z.literal('status') }),
  z.strictObject({ id, act: z.literal('quarantine.list') }),
  z.strictObject({ id, act: z.literal('quarantine.show'), upload: uploadId }),
  z.strictObject({ id, act: z.literal('quarantine.release'), upload: uploadId, operator, reason }),
  z.strictObject({ id, act: z.literal('quarantine.destroy'), upload: uploadId, operator, reason }),
  z.strictObject({ id, act: z.literal('deliveries.list') }),
  z.strictObject({ id, act: z.literal('deliveries.retry'), delivery: name, operator, reason }),
  z.strictObject({ id, act: z.literal('deliveries.discard'), delivery: name, operator, reason }),
  z.strictObject({ id, act: z.literal('audit.cosign'), note: z.string().min(1).max(200_000), operator }),
]);

/** See `controlRequest`. */
export type ControlRequest = z.output<typeof controlRequest>;

/** The acts that there are. */
export type ControlAct = ControlRequest['act'];

/** What an act is told, besides its name. */
export type ControlParameters<Act extends ControlAct> = Omit<Extract<ControlRequest, { act: Act }>, 'id' | 'act'>;

const count = z.int().min(0);

/** The state of a gateway. */
const status = z.object({
  version: z.string(),
  pid: z.int(),
  /** Milliseconds since 1970 (UTC). */
  startedMs: z.number(),
  listen: z.array(z.object({ host: z.string(), port: z.int(), tls: z.enum(['explicit', 'implicit']) })),
  sessions: z.object({ all: count, loggedIn: count, transfers: count }),
  /** The processes that serve sessions; none where one process does everything. */
  workers: z
    .array(z.object({ number: count, pid: z.int(), sinceMs: z.number(), connections: count, retiring: z.boolean() }))
    .default([]),
  /** Uploads between the doors, by their state. */
  uploads: z.partialRecord(z.enum(ITEM_STATES), count),
  /** Null where there is no log. */
  audit: z
    .object({
      requirement: z.enum(['required', 'preferred', 'off']),
      records: count,
      writable: z.boolean(),
      failure: z.string().nullable(),
    })
    .nullable(),
  /** Files that are to be handed on, and those that were given up; null where none are. */
  deliveries: z.object({ pending: count, dead: count }).nullable(),
});

const timeMs = z.number();

/** Deliveries, and the files that are not taken. */
const deliveries = z.object({
  deliveries: z
    .array(
      z.object({
        ...{ name: z.string(), kind: z.string(), pending: count, dead: count, made: count, failed: count },
        oldestMs: timeMs.exactOptional(),
      }),
    )
    .readonly(),
  files: z
    .array(
      z.object({
        ...{ id: z.string(), delivery: z.string(), state: z.enum(['failing', 'dead']), upload: z.string() },
        ...{ account: z.string(), path: z.string(), bytes: count, sha256: z.string(), publishedMs: timeMs },
        ...{ attempts: count, reason: z.string(), nextMs: timeMs.exactOptional(), deadMs: timeMs.exactOptional() },
      }),
    )
    .readonly(),
});

/** What an act answers when it was done. */
export interface ControlResults {
  readonly status: z.output<typeof status>;
  /** Uploads that are held back. */
  readonly 'quarantine.list': { readonly uploads: readonly z.output<typeof intentSchema>[] };
  /** Null when no such upload is held back. */
  readonly 'quarantine.show': { readonly upload: z.output<typeof intentSchema> | null };
  /** Where it was published. */
  readonly 'quarantine.release': { readonly path: string };
  readonly 'quarantine.destroy': Readonly<Record<string, never>>;
  readonly 'deliveries.list': z.output<typeof deliveries>;
  readonly 'deliveries.retry': Readonly<Record<string, never>>;
  readonly 'deliveries.discard': Readonly<Record<string, never>>;
  /** How many cosignatures are new. */
  readonly 'audit.cosign': { readonly added: number };
}

/** How each result looks, for who reads it. */
export const CONTROL_RESULTS: { readonly [Act in ControlAct]: z.ZodType<ControlResults[Act]> } = {
  status,
  'quarantine.list': z.object({ uploads: z.array(intentSchema) }),
  'quarantine.show': z.object({ upload: intentSchema.nullable() }),
  'quarantine.release': z.object({ path: z.string() }),
  'quarantine.destroy': z.strictObject({}),
  'deliveries.list': deliveries,
  'deliveries.retry': z.strictObject({}),
  'deliveries.discard': z.strictObject({}),
  'audit.cosign': z.object({ added: count }),
};

/**
 * An answer. `id` is that of its request, null when that had none. `refused`: nothing was done, and the message says to the
 * operator why; `request`: it was no request; `failed`: it went wrong, and the gateway's log says more.
 */
export const controlAnswer = z.union([
  z.object({ id, ok: z.literal(true), result: z.unknown() }),
  z.object({
    id: id.nullable(),
    ok: z.literal(false),
    error: z.object({ kind: z.enum(['refused', 'request', 'failed']), message: z.string() }),
  }),
]);

/** See `controlAnswer`. */
export type ControlAnswer = z.output<typeof controlAnswer>;
