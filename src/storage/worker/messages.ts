/**
 * What the gateway asks of a worker and what it may answer. A worker runs with a user's rights and is trusted no further
 * than that user: whatever it says is checked here, in form and in size, before the gateway believes it.
 */
import { z } from 'zod';
import { ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault, type FaultKind } from '../../spi/fault.ts';

const number = z.int().min(0);
const existing = z.enum(['replace', 'keep']);

const path = z.string().transform((text, context): VirtualPath => {
  const resolved = resolvePath(ROOT, text);
  if (resolved !== undefined && resolved === text) return resolved;
  context.addIssue({ code: 'custom', message: 'is no canonical path' });
  return z.NEVER;
});

/** The place on disk that a request is about; it comes with each one, so that a worker that is new knows it too. */
const home = z.strictObject({
  root: z.string().startsWith('/').max(4_096),
  owner: z.string().min(1).max(256),
  fileMode: z.int().min(0o600).max(0o777),
  directoryMode: z.int().min(0o700).max(0o777),
  sync: z.boolean(),
  sealedName: z.string().min(1).max(64),
});

/** See `home`. */
export type WorkerHome = z.output<typeof home>;

const stageRequest = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('empty'), existing }),
  z.strictObject({ from: z.literal('append'), existing }),
  z.strictObject({ from: z.literal('restart'), existing, offsetBytes: number }),
]);

const id = z.int().min(1);
/** What something is held under. */
const item = z.string().regex(/^[0-9a-f]{24}$/);
/** Requests on a path. */
const at = { id, home, path };
/** Requests on a file that is open, an upload that runs, or a stream of either. */
const on = { id, handle: number };

/** A request. Those that give a `handle` make the worker keep something until `close`, `closeHeld`, `commit`, `hold`, `abort` or `end`. */
export const workerRequest = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('ping'), id }),
  z.strictObject({ op: z.literal('stat'), ...at }),
  z.strictObject({ op: z.literal('isLink'), ...at }),
  z.strictObject({ op: z.literal('enter'), ...at }),
  z.strictObject({ op: z.literal('list'), ...at }),
  z.strictObject({ op: z.literal('openRead'), ...at }),
  z.strictObject({ op: z.literal('stage'), ...at, request: stageRequest }),
  z.strictObject({ op: z.literal('resumableBytes'), ...at }),
  z.strictObject({ op: z.literal('held'), ...at, item }),
  z.strictObject({ op: z.literal('makeDirectory'), ...at }),
  z.strictObject({ op: z.literal('removeDirectory'), ...at }),
  z.strictObject({ op: z.literal('removeTree'), ...at, entriesMax: number }),
  z.strictObject({ op: z.literal('removeFile'), ...at }),
  z.strictObject({ op: z.literal('rename'), ...at, to: path, existing }),
  z.strictObject({ op: z.literal('setModified'), ...at, modifiedMs: z.number() }),
  z.strictObject({ op: z.literal('makeSymlink'), ...at, target: path }),
  z.strictObject({ op: z.literal('setMode'), ...at, mode: z.int().min(0).max(0o777) }),
  z.strictObject({ op: z.literal('freeBytes'), ...at }),
  z.strictObject({ op: z.literal('read'), ...on, offsetBytes: number }),
  z.strictObject({ op: z.literal('prefix'), ...on }),
  z.strictObject({ op: z.literal('write'), ...on }),
  z.strictObject({ op: z.literal('commit'), ...on }),
  z.strictObject({ op: z.literal('hold'), ...on, item }),
  z.strictObject({ op: z.literal('abort'), ...on, partial: z.enum(['keep', 'remove']) }),
  z.strictObject({ op: z.literal('close'), ...on }),
  z.strictObject({ op: z.literal('readHeld'), ...on }),
  z.strictObject({ op: z.literal('publish'), ...on, to: path, existing }),
  z.strictObject({ op: z.literal('destroy'), ...on }),
  z.strictObject({ op: z.literal('closeHeld'), ...on }),
  z.strictObject({ op: z.literal('nextEntries'), ...on }),
  z.strictObject({ op: z.literal('nextPiece'), ...on }),
  z.strictObject({ op: z.literal('end'), ...on }),
]);

/** A request as the worker reads it. */
export type WorkerRequest = z.output<typeof workerRequest>;

type Numberless<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

/** A request as the gateway makes it; its number comes with the sending. */
export type WorkerQuestion = Numberless<WorkerRequest>;

/** More than any count of bytes, links or users can be; protects arithmetic, not truth. */
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

const facts = {
  kind: z.enum(['file', 'directory', 'other']),
  sizeBytes: count,
  modifiedMs: z.number(),
  changedMs: z.number().optional(),
  createdMs: z.number().optional(),
  mode: z.int().min(0).max(0o7777),
  linkCount: count,
  owner: count,
  group: count,
  unique: z.string().regex(/^[0-9a-f.]{1,64}$/),
};

/** One name, which can forge neither a path nor a line of a listing. */
const entryName = z
  .string()
  .max(255)
  .regex(/^[^/\0\r\n]+$/)
  .refine((name) => name !== '.' && name !== '..');

/** What each kind of request is answered with, when it succeeds. */
export const ANSWERS = {
  nothing: z.strictObject({}),
  facts: z.strictObject(facts),
  link: z.strictObject({ isLink: z.boolean() }),
  bytes: z.strictObject({ bytes: count.nullable() }),
  stream: z.strictObject({ handle: number }),
  opened: z.strictObject({ handle: number, facts: z.strictObject(facts) }),
  staged: z.strictObject({ handle: number, startBytes: count }),
  held: z.strictObject({ handle: number, sizeBytes: count }),
  entries: z.strictObject({
    entries: z
      .array(z.strictObject({ ...facts, name: entryName }))
      .max(1_024)
      .nullable(),
  }),
  piece: z.strictObject({ done: z.boolean() }),
} as const;

/** The faults that storage has; any other a worker has no business to give. */
const FILE_FAULTS = [
  ...(['NoSuchFile', 'NotAFile', 'NotADirectory', 'DirectoryNotEmpty', 'PermissionDenied', 'FileExists'] as const),
  ...(['BadName', 'RestartInvalid', 'FileBusy', 'StorageFull', 'QuotaExceeded', 'ListingTooLong', 'Local'] as const),
] as const satisfies readonly FaultKind[];

const crossedFault = z.strictObject({
  kind: z.enum(FILE_FAULTS),
  // It becomes part of a reply: one line, of a length that fits there.
  text: z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u),
  cause: z.string().max(4_096),
});

/** An answer: what was asked for, whose form depends on the request, or a fault. */
export const workerReply = z.union([
  z.strictObject({ id, ok: z.unknown() }),
  z.strictObject({ id, fault: crossedFault }),
]);

/** A fault on its way. */
export type CrossedFault = z.output<typeof crossedFault>;

/** How a failure crosses: faults of storage by kind and text, everything else as `Local`; causes for the log, as text. */
export function crossing(error: unknown): CrossedFault {
  const fault = error instanceof Fault ? error : new Fault('Local', { cause: error });
  const kind = FILE_FAULTS.find((known) => known === fault.kind);
  if (kind === undefined) return crossing(new Fault('Local', { cause: fault }));
  return { kind, text: fault.text, cause: causeOf(fault.cause).slice(0, 4_096) };
}

/** The fault as it was on the other side. */
export function arrived({ kind, text, cause }: CrossedFault): Fault {
  return new Fault(kind, { text, ...(cause !== '' && { cause: new Error(cause) }) });
}

function causeOf(cause: unknown): string {
  if (cause === undefined) return '';
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
