/**
 * Uploads: STOR, APPE and STOU. Their order is the promise that they make:
 *
 *   1. refuse what can be refused, while nothing has been touched and the client has not begun to send;
 *   2. 150; the bytes go into a staged write that nobody sees;
 *   3. commit: the whole file takes its name in one step;
 *   4. 226, which so always means "complete, stored, visible".
 *
 * Any other way out leaves the name as it was, and what arrived is kept to be resumed, or removed, as its place says, or
 * else the account.
 */
import type { Reply } from '../protocol/reply.ts';
import { reply } from '../protocol/reply.ts';
import { formatTimeVal } from '../protocol/time.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, type FaultKind, orFault } from '../spi/fault.ts';
import type { Arrival } from '../spi/intake.ts';
import type { Session } from '../spi/session.ts';
import { receive } from '../transfer/receive.ts';
import { overData, requireArranged } from './data-transfer.ts';
import { receiptLines } from './receipt.ts';
import { alone, type UploadBase, uploadBase } from './upload-base.ts';

/** What an upload needs besides when it goes on with a file that is there, or replaces a part of one. */
const BUILDING_ON = [
  'r behind RANG',
  'l behind REST in TYPE A, and behind RANG to go on with an unfinished upload',
] as const;

const NOT_STORED =
  '550 for a directory that is missing or may not be written to: section 5.4 has 553 only, which is about the name.';

/** STOR: stores a file; behind REST, the rest of one; behind RANG, a part of one. */
const stor = defineCommand({
  verb: 'STOR',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['w', ...BUILDING_ON],
  note: `${NOT_STORED} 554 and 551 as RETR.`,
  argument: PATH,
  handle: (context, target) => upload(context, target, 'empty'),
});

/** APPE: adds to a file, published or unfinished. Behind REST and RANG it is the same as STOR (RFC 3659 section 5.3). */
const appe = defineCommand({
  verb: 'APPE',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['a without REST and RANG', 'w behind REST or RANG', ...BUILDING_ON],
  note: 'Behind REST and RANG the same as STOR. 554 and 551 as RETR.',
  argument: PATH,
  handle: (context, target) => upload(context, target, 'append'),
});

/** STOU: stores under a name that nobody has, and tells it in exactly the form of RFC 1123 section 4.1.2.9. */
const stou = defineCommand({
  verb: 'STOU',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['w'],
  note: `REST and RANG do not concern it. ${NOT_STORED}`,
  argument: {
    syntax: '[path]',
    parts: ['path'],
    required: 0,
    parse: (text, session) => PATH.parse(text === '' ? 'upload' : text, session),
  },

  async handle(context, wanted) {
    requireArranged(context);
    const { target, base } = await stageUnique(context, wanted);
    context.note({ path: target });
    return fill(context, { target, base, mark: reply(150, `FILE: ${target}`) });
  },
});

/** The commands of this file. */
export const STORE = [stor, appe, stou] as const;

/** The largest file that this session may store, in bytes; 0 means no bound but the disk's. */
export function uploadBytesMax(context: CommandContext): number {
  return context.account().uploadBytesMax ?? context.limits.uploadBytesMax;
}

/** An upload for which everything is ready but the data. */
interface Prepared {
  readonly target: VirtualPath;
  readonly base: UploadBase;
  readonly mark: Reply;
}

/** STOR and APPE. */
async function upload(context: CommandContext, target: VirtualPath, from: 'empty' | 'append'): Promise<Outcome> {
  requireArranged(context);
  context.note({ path: target });
  const base = await uploadBase(context, target, from);
  return fill(context, { target, base, mark: reply(150, whatToSend(context.session, base)) });
}

/** The number is that of REST, which in TYPE A is another than that of the bytes at rest. */
function whatToSend({ range, restartBytes }: Session, { staged, telling }: UploadBase): string {
  if (!telling) return 'Send the file.';
  if (range !== undefined) return `Send bytes ${range.startBytes} to ${range.endBytes} of the file.`;
  const start = restartBytes > 0 ? restartBytes : staged.startBytes;
  return start > 0 ? `Send the file from byte ${start} on.` : 'Send the file.';
}

/** Receives, commits, and only then says 226. Whatever goes wrong ends in `abort`, once. */
async function fill(context: CommandContext, { target, base, mark }: Prepared): Promise<Outcome> {
  const { onIncomplete, closeNotify = context.policy.closeNotify } = context.account();
  const { signal, session } = context;
  const { staged, splice } = base;
  const bytesMax = uploadBytesMax(context);
  try {
    const startedMs = context.clock.now();
    const { bytes, sha256, data } = await overData(context, 'receive', mark, async (connection) => {
      const received = await receive({
        ...{ connection, staged, splice, type: session.type, bytesMax, closeNotify, signal },
      });
      return { ...received, data: { tls: connection.tls, end: received.end } };
    });
    context.note({ bytes, sha256, end: data.end });
    await staged.commit({ bytes, sha256, startedMs, data });
    return { reply: reply(226, ...told(base, { bytes, sha256 }, session)) };
  } catch (error) {
    const partial = base.resumable && canBecomeWhole(error) ? (staged.onIncomplete ?? onIncomplete) : 'remove';
    const keptBytes = await staged.abort(partial).catch((failure: unknown) => {
      context.log.error('upload.abort_failed', { path: target, error: failure });
      return 0;
    });
    context.note({ keptBytes });
    throw keptBytes > 0 && session.type === 'I' && base.telling ? withResumption(error, keptBytes) : error;
  } finally {
    await base.close();
  }
}

/** What the client reads of an upload that arrived whole: what it is, and what became of it where that is not plain. */
function told(
  { staged, telling }: UploadBase,
  { bytes, sha256 }: Pick<Arrival, 'bytes' | 'sha256'>,
  session: Session,
): readonly string[] {
  const { publication } = staged;
  const verb = publication?.state === 'accepted' ? 'Accepted for checking' : 'Stored';
  const whole = telling ? `${verb} ${bytes} bytes, SHA-256 ${sha256}.` : `${verb}.`;
  if (publication?.receipt === undefined) return [whole];
  const { receipt, receiptText } = publication;
  const lines = receiptText === undefined ? undefined : receiptLines(receiptText, session);
  return [whole, ...(lines ?? []), `Receipt: ${receipt}`];
}

/**
 * A partial that filled the disk would keep it full, and one beyond its bound can never end within it. What was no whole
 * zlib stream has missed its checksum, so that every byte of it may be wrong. What a check refused, it refuses again.
 */
function canBecomeWhole(error: unknown): boolean {
  return !(error instanceof Fault && HOPELESS.has(error.kind));
}

const HOPELESS: ReadonlySet<FaultKind> = new Set(['StorageFull', 'QuotaExceeded', 'NotZlib', 'ContentRefused']);

/** Tells the client how to go on. Not APPE: with a published file of that name it would add to that one. */
function withResumption(error: unknown, keptBytes: number): unknown {
  if (!(error instanceof Fault)) return error;
  const text = `${error.text} ${keptBytes} bytes are kept: resume with REST ${keptBytes} and STOR.`;
  return new Fault(error.kind, { cause: error.cause ?? error, text });
}

/** Names tried before STOU gives up. */
const UNIQUE_TRIES_MAX = 8;

/**
 * Stages under `wanted` with an ending that no other session makes: the millisecond and the session's own id. Should
 * someone take that very name meanwhile, commit refuses.
 */
async function stageUnique(context: CommandContext, wanted: VirtualPath): Promise<Omit<Prepared, 'mark'>> {
  const ending = `${formatTimeVal(context.clock.now(), { millis: true })}-${context.session.id}`;
  for (let attempt = 1; ; attempt++) {
    const name = `${wanted}.${ending}${attempt === 1 ? '' : `-${attempt}`}`;
    const target = orFault(resolvePath(ROOT, name), 'BadName');
    try {
      return { target, base: alone(await context.files().stage(target, { from: 'empty', existing: 'keep' })) };
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'FileExists' || attempt === UNIQUE_TRIES_MAX) throw error;
    }
  }
}
