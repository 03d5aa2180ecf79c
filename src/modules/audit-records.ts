/** What the audit log is told of one command: its effects on files, what it transferred, and why it was refused. */
import { isPositive } from '../protocol/reply.ts';
import type { AuditEventName, AuditRecord } from '../spi/audit.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { FileEffect } from '../spi/file-effect.ts';
import type { Request, Result } from '../spi/module.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { commandOf, originOf, reasonOf, targetOf, timeOf, tlsOf, whoIn } from './audit-facts.ts';

/** The records of a command, in the order in which things happened. Most commands have none. */
export function recordsOf(request: Request, result: Result): readonly AuditRecord[] {
  return [
    ...effectRecords(request, result),
    ...transferRecords(request, result),
    ...loginRecords(request, result),
    ...refusalRecords(request, result),
  ];
}

type RecordObject = AuditRecord['object'];

/** What every record of a command has; a reason makes it a failure. */
function record(
  { context: { session } }: Request,
  event: AuditEventName,
  object: RecordObject,
  { reason, account }: { readonly reason?: string | undefined; readonly account?: string | undefined } = {},
): AuditRecord {
  return {
    event,
    result: reason === undefined ? 'success' : 'failure',
    ...{ who: whoIn(session, account), origin: originOf(session), object, reason },
  };
}

/** The name of what was done, by its kind. */
const EVENT_OF: Readonly<Record<FileEffect['kind'], AuditEventName>> = {
  published: 'upload.published',
  deleted: 'file.deleted',
  renamed: 'file.renamed',
  changed: 'file.changed',
  made: 'directory.made',
  removed: 'directory.removed',
  linked: 'link.made',
};

/** What was done lasts whatever the client was told, and so its records say success. */
function effectRecords(request: Request, { notes }: Result): readonly AuditRecord[] {
  const { effects } = request.context;
  return effects.flatMap((effect) => {
    if (effect.kind === 'published') {
      // Who holds files between their arrival and their publication has recorded them in front of it.
      if (isRecorded(notes) || effect.publication?.index !== undefined) return [];
      return record(request, EVENT_OF.published, publicationOf(request, effect));
    }
    const { kind, ...facts } = effect;
    return record(request, EVENT_OF[kind], { ...changeOf(facts), command: commandOf(request) }, failureOf(effect));
  });
}

function failureOf(effect: FileEffect): { readonly reason?: string | undefined } {
  if (effect.kind !== 'removed' || effect.failure === undefined) return {};
  return { reason: reasonOf(effect.failure) ?? 'unknown' };
}

/** The facts of a change as records have them. */
function changeOf(facts: {
  readonly path: string;
  readonly to?: string;
  readonly mode?: number;
  readonly modifiedMs?: number;
  readonly createdMs?: number;
  readonly tree?: boolean;
}): RecordObject {
  const { path, to, mode, modifiedMs, createdMs, tree } = facts;
  return {
    ...{ path, to },
    mode: mode?.toString(8).padStart(3, '0'),
    modified: modifiedMs === undefined ? undefined : timeOf(modifiedMs),
    created: createdMs === undefined ? undefined : timeOf(createdMs),
    tree,
  };
}

function publicationOf(
  request: Request,
  { path, arrival, publication, replaced, arrivedMs }: FileEffect & { readonly kind: 'published' },
): RecordObject {
  const { session } = request.context;
  return {
    upload: publication?.id ?? crypto.randomUUID().replaceAll('-', '').slice(0, UPLOAD_ID_DIGITS),
    path: publication?.path ?? path,
    bytes: arrival?.bytes,
    sha256: arrival?.sha256,
    started: arrival === undefined ? undefined : timeOf(arrival.startedMs),
    arrived: timeOf(arrivedMs),
    verb: commandOf(request),
    end: arrival?.data && (arrival.data.tls === undefined ? 'absent' : arrival.data.end),
    data_tls: tlsOf(arrival?.data?.tls),
    control_tls: tlsOf(session.controlTls),
    replaced: replaced || undefined,
  };
}

/** 96 bits, as of uploads that are held before their publication. */
const UPLOAD_ID_DIGITS = 24;

/** Downloads, and uploads that came to nothing. Without 150 nothing has begun. */
function transferRecords(request: Request, result: Result): readonly AuditRecord[] {
  const { traits, context } = request;
  const { notes, cause, reply } = result;
  if (traits.data !== 'transfers' || typeof notes.path !== 'string') return [];
  const failed = !isPositive(reply);
  const reason = failed ? (reasonOf(cause) ?? reply.lines.at(-1) ?? '') : undefined;
  const began = typeof notes.transferMs === 'number';
  const dataTls = factsIn(notes.dataTls);
  const known = {
    ...{
      path: notes.path,
      command: commandOf(request),
      bytes: numberIn(notes.bytes) ?? numberIn(notes.dataBytes) ?? 0,
    },
    // A download that was taken whole ended with our close_notify.
    end: failed ? undefined : dataTls === undefined ? 'absent' : 'authenticated',
    ...{ data_tls: tlsOf(dataTls), control_tls: tlsOf(context.session.controlTls) },
  };
  const kind = cause instanceof Fault ? cause.kind : undefined;
  const records: AuditRecord[] = [];
  if (kind === 'DataTlsFailed') records.push(record(request, 'tls.failed', { channel: 'data' }, { reason }));
  if (traits.class === 'read' && began) {
    records.push(record(request, failed ? 'download.incomplete' : 'download.sent', known, { reason }));
  }
  const unrecorded = !isRecorded(notes) && !context.effects.some((effect) => effect.kind === 'published');
  if (traits.class === 'write' && failed && unrecorded) {
    const refused = kind !== undefined && BOUNDS.has(kind);
    const event = refused ? 'upload.refused' : 'upload.incomplete';
    const object = { ...known, kept_bytes: numberIn(notes.keptBytes) };
    if (refused || began) records.push(record(request, event, object, { reason }));
  }
  return records;
}

/** What a place may have against a file as such, whoever brings it. */
const BOUNDS: ReadonlySet<FaultKind> = new Set([
  'QuotaExceeded',
  'ContentRefused',
  'FileExists',
  'BadName',
  'Retained',
]);

function loginRecords(request: Request, { change, notes, reply }: Result): readonly AuditRecord[] {
  const { session } = request.context;
  const object = { command: commandOf(request), tls: tlsOf(session.controlTls) };
  if (change?.kind === 'LogIn') {
    const { account, by = 'password' } = change;
    return [record(request, 'login.succeeded', { ...object, by }, { account: account.name })];
  }
  if (change?.kind !== 'FailLogin') return [];
  const reason = typeof notes.cause === 'string' ? notes.cause : reply.lines.at(-1);
  return [record(request, 'login.failed', object, { reason: reason ?? '', account: triedBy(request, notes) })];
}

/** What a permission, a rule or a policy refuses with. */
const REFUSALS: ReadonlySet<FaultKind> = new Set([
  ...(['NotLoggedIn', 'TlsFirst', 'CertificateRequired', 'PostQuantumRequired', 'LockedOut'] as const),
  ...(['TooManyConnections', 'ProtectionRequired', 'ReuseRequired', 'PermissionDenied', 'HashDenied'] as const),
]);

function refusalRecords(request: Request, { reply, cause, notes, refusedBy }: Result): readonly AuditRecord[] {
  if (isPositive(reply)) return [];
  const refused = cause instanceof Fault ? REFUSALS.has(cause.kind) : cause === undefined && refusedBy !== undefined;
  if (!refused) return [];
  const rule = typeof notes.rule === 'string' ? notes.rule : undefined;
  const object = {
    command: commandOf(request),
    path: targetOf(request, notes),
    to: textIn(notes.to),
    rule,
    by: refusedBy,
  };
  const reason = reasonOf(cause) ?? reply.lines.at(-1) ?? '';
  return [record(request, 'access.refused', object, { reason, account: triedBy(request, notes) })];
}

/** The name that a login was tried with, when this is one. */
function triedBy({ traits, argument }: Request, notes: Result['notes']): string | undefined {
  if (traits.class !== 'auth') return undefined;
  const typed = traits.secret === true || argument === '' ? undefined : argument;
  return textIn(notes.user) ?? typed;
}

/** Whether somebody in front of storage has recorded what became of the file. */
function isRecorded({ recorded }: Result['notes']): boolean {
  return typeof recorded === 'number';
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Notes may be anybody's; what are no facts of TLS is taken for none. */
function factsIn(value: unknown): TlsFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, suite, group, resumed } = { version: '', suite: '', group: undefined, resumed: false, ...value };
  if (typeof version !== 'string' || typeof suite !== 'string' || typeof resumed !== 'boolean') return undefined;
  return { version, suite, resumed, ...(typeof group === 'string' && { group }) };
}
