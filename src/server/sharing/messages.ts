/** What workers ask of the process above them about shared state, and what they are told: names, and the form of what comes along. */
import { z } from 'zod';
import type { DiskPlace } from '../../intake/policy/disk-place.ts';
import { behaviour, strangerRefusal } from '../../modules/tls-record.ts';
import { AUDIT_EVENTS, type AuditEventName, type AuditRecord } from '../../spi/audit.ts';

const text = z.string();
const count = z.int().min(0);
/** What a worker holds, by a number that it has chosen itself: what it gives back was perhaps never granted to its knowledge. */
const hold = z.int().min(1);
const object = z.custom<AuditRecord['object']>((value) => typeof value === 'object' && value !== null);
const isEvent = (name: unknown): name is AuditEventName =>
  typeof name === 'string' && Object.hasOwn(AUDIT_EVENTS, name);

/** A record on its way to the log. */
const record = z.strictObject({
  event: z.custom<AuditEventName>(isEvent),
  result: z.enum(['success', 'failure']),
  who: z.strictObject({
    account: text.optional(),
    certificate: text.optional(),
    operator: text.optional(),
  }),
  origin: z.strictObject({
    address: text.optional(),
    port: z.number().optional(),
    session: text.optional(),
    host: text.optional(),
    client: text.optional(),
    program: z.enum(['gateway', 'cli']).optional(),
  }),
  object,
  reason: text.optional(),
});

const place = text.transform((written) => written as DiskPlace);
const amount = z.strictObject({ bytes: z.number(), files: z.int() });
const bound = z.number().nullable();
/** Places with a quota; null where there is no bound. */
const places = z.array(z.strictObject({ place, bytesMax: bound, filesMax: bound }));
const rounds = z.array(z.tuple([place, z.int()]));

const login = z.strictObject({ session: text, address: text, user: text });
const staging = { directory: text, names: z.strictObject({ active: text, partial: text }) };
/** How the log is: records that last, and why nothing can be written; null while all is well. */
const logState = z.strictObject({ size: count, failure: text.nullable() });
const logged = z.strictObject({ index: count, entry: z.base64() });

/** What comes with each question and each piece of news of a worker. */
export const SAID = {
  connect: z.strictObject({ session: text, address: text }),
  logIn: z.strictObject({ session: text, account: text }),
  disconnect: z.strictObject({ session: text }),
  admit: login,
  settle: z.strictObject({ login, end: z.enum(['succeeded', 'failed', 'unproven']) }),
  useCode: z.strictObject({ user: text, step: z.int().nullable(), sent: z.boolean() }),
  rate: z.strictObject({ key: text, rate: z.number().positive().nullable() }),
  leaveRate: z.strictObject({ key: text }),
  take: z.strictObject({ key: text, bytes: count }),
  claim: z.strictObject({ hold, ...staging }),
  alone: z.strictObject({ hold }),
  isActive: z.strictObject(staging),
  isBusy: z.strictObject({ directory: text }),
  takeName: z.strictObject({ hold, key: text }),
  turn: z.strictObject({ hold, key: text }),
  release: z.strictObject({ hold }),
  /** Then the worker does it, and tells what it came to. */
  keep: z.strictObject({
    ...{ hold, place, days: z.number(), id: text.optional(), replaces: z.array(place).optional() },
  }),
  /** `places` is null for a change of which nobody knows what it touches. */
  change: z.strictObject({ hold, places: z.array(place).nullable(), behind: z.array(place) }),
  done: z.strictObject({ hold, came: z.enum(['done', 'nothing', 'failed']) }),
  latest: z.strictObject({ places: z.array(place) }),
  holdKept: z.strictObject({ id: text, days: z.number() }),
  heldKept: z.strictObject({ id: text }),
  settleKept: z.strictObject({ id: text }),
  reserve: z.strictObject({ hold, places, amount }),
  claimRoom: z.strictObject({ hold, amount }),
  releaseRoom: z.strictObject({ hold }),
  restRoom: z.strictObject({ hold, places }),
  countsAlike: z.strictObject({ one: place, other: place }),
  quotaRounds: z.strictObject({ place }),
  quotaChanged: z.strictObject({ place, by: amount, since: rounds }),
  quotaDoubt: z.strictObject({ place }),
  sessionsOf: z.strictObject({ account: text }),
  tlsSeen: z.strictObject({ account: text, behaviour, nowMs: count, network: text.optional() }),
  tlsRefused: z.strictObject({ network: text, why: strangerRefusal, nowMs: count }),
  append: record,
  note: record,
  noteOnce: z.strictObject({ record, what: text }),
  receipt: z.strictObject({ index: count }),
  read: z.strictObject({ from: count, end: count }),
} as const;

/** What workers are answered, where it is more than that it was done. */
export const ANSWERED = {
  useCode: text.nullable(),
  claim: z.strictObject({ name: text, first: z.boolean() }),
  yes: z.boolean(),
  latest: z.number(),
  heldKept: z.object({ days: z.number(), at: place.optional() }).nullable(),
  amount,
  restRoom: bound,
  quotaRounds: rounds,
  sessionsOf: z.array(
    z.strictObject({ id: text, account: text, address: text, sinceMs: z.number(), transfer: text.optional() }),
  ),
  append: z.strictObject({ record: logged, log: logState }),
  receipt: text,
  read: z.array(logged),
} as const;

/** What workers are told, or asked. */
export const TOLD = {
  rates: z.array(z.strictObject({ key: text, rate: z.number().positive().nullable() })),
  log: logState,
  quotasMet: z.strictObject({}),
  /** Counts what lies in a place that the worker has asked about. */
  countRoom: z.strictObject({ hold, index: count }),
} as const;

/** Places with a quota on their way. */
export type CrossedPlaces = z.output<typeof places>;

/** How the log is, as workers are told. */
export type LogState = z.output<typeof logState>;

/** A record of the log on its way. */
export type Logged = z.output<typeof logged>;

/** The name of a question or of news: others may use the same channel. */
export function named(name: keyof typeof SAID | keyof typeof TOLD): string {
  return `state.${name}`;
}
