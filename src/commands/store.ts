/**
 * Uploads: STOR, APPE and STOU. Their order is the promise that they make:
 *
 *   1. refuse what can be refused, while nothing has been touched and the client has not begun to send;
 *   2. 150; the bytes go into a staged write that nobody sees;
 *   3. commit: the whole file takes its name in one step;
 *   4. 226, which so always means "complete, stored, visible".
 *
 * Any other way out leaves the name as it was, and what arrived is kept to be resumed, or removed, as the account says.
 */
import type { Reply } from '../protocol/reply.ts';
import { reply } from '../protocol/reply.ts';
import { formatTimeVal } from '../protocol/time.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { StagedWrite } from '../spi/file-system.ts';
import { receive } from '../transfer/receive.ts';
import { path } from './arguments.ts';
import { overData, requireArranged } from './data-transfer.ts';

/** STOR: stores a file; behind REST, the rest of one. */
const stor = defineCommand({
  verb: 'STOR',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  help: 'STOR path',
  parse: path,
  handle: (context, target) => upload(context, target, 'empty'),
});

/** APPE: adds to a file, published or unfinished. Behind REST it is the same as STOR (RFC 3659 section 5.3). */
const appe = defineCommand({
  verb: 'APPE',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  help: 'APPE path',
  parse: path,
  handle: (context, target) => upload(context, target, 'append'),
});

/** STOU: stores under a name that nobody has, and tells it in exactly the form of RFC 1123 section 4.1.2.9. */
const stou = defineCommand({
  verb: 'STOU',
  class: 'write',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  help: 'STOU [path]',
  parse: (text, session) => path(text === '' ? 'upload' : text, session),

  async handle(context, wanted) {
    requireArranged(context);
    const { target, staged } = await stageUnique(context, wanted);
    context.note({ path: target });
    return fill(context, { target, staged, mark: reply(150, `FILE: ${target}`) });
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
  readonly staged: StagedWrite;
  readonly mark: Reply;
}

/** STOR and APPE. A REST that came before, however long ago, holds until the next transfer, and so for this one. */
async function upload(context: CommandContext, target: VirtualPath, from: 'empty' | 'append'): Promise<Outcome> {
  requireArranged(context);
  context.note({ path: target });
  const { restartBytes, type } = context.session;
  if (restartBytes > 0 && type === 'A') throw new Fault('RestartInvalid', { text: 'Restarts need TYPE I.' });
  // An account that may not overwrite ('keep') is told so here when the file exists, and by commit when it came since.
  const { existing } = context.account();
  const staged = await context
    .files()
    .stage(target, restartBytes > 0 ? { from: 'restart', offsetBytes: restartBytes, existing } : { from, existing });
  const mark = staged.startBytes > 0 ? `Send the file from byte ${staged.startBytes} on.` : 'Send the file.';
  return fill(context, { target, staged, mark: reply(150, mark) });
}

/** Receives, commits, and only then says 226. Whatever goes wrong ends in `abort`, once. */
async function fill(context: CommandContext, { target, staged, mark }: Prepared): Promise<Outcome> {
  const { onIncomplete, closeNotify = context.policy.closeNotify } = context.account();
  const { signal, session } = context;
  const bytesMax = uploadBytesMax(context);
  try {
    const { bytes, sha256, end } = await overData(context, 'receive', mark, (connection) =>
      receive({ connection, staged, type: session.type, bytesMax, closeNotify, signal }),
    );
    context.note({ bytes, sha256, end });
    await staged.commit();
    return { reply: reply(226, `Stored ${bytes} bytes, SHA-256 ${sha256}.`) };
  } catch (error) {
    const keptBytes = await staged.abort(canBecomeWhole(error) ? onIncomplete : 'remove').catch((failure: unknown) => {
      context.log.error('upload.abort_failed', { path: target, error: failure });
      return 0;
    });
    context.note({ keptBytes });
    throw keptBytes > 0 && session.type === 'I' ? withResumption(error, keptBytes) : error;
  }
}

/** A partial that filled the disk would keep it full, and one beyond its bound can never end within it. */
function canBecomeWhole(error: unknown): boolean {
  return !(error instanceof Fault && (error.kind === 'StorageFull' || error.kind === 'QuotaExceeded'));
}

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
      return { target, staged: await context.files().stage(target, { from: 'empty', existing: 'keep' }) };
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'FileExists' || attempt === UNIQUE_TRIES_MAX) throw error;
    }
  }
}
