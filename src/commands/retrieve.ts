/**
 * Downloads: RETR (RFC 959 section 4.1.3), from where REST said (RFC 3659 section 5), or the part that RANG chose
 * (draft-bryan-ftp-range-08 section 4.2).
 */
import { reply } from '../protocol/reply.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import { findAscii } from '../transfer/ascii-offset.ts';
import { send } from '../transfer/send.ts';
import { overData, requireArranged } from './data-transfer.ts';

/** RETR: sends a file. */
const retr = defineCommand({
  verb: 'RETR',
  class: 'read',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['r'],
  note: '554 for a REST behind the end of the file or with MODE Z, 551 for RANG without TYPE I and MODE S.',
  argument: PATH,

  async handle(context, target) {
    requireArranged(context);
    const { type, mode } = context.session;
    context.note({ path: target });
    const opened = await context.files().openRead(target);
    try {
      const part = await partToSend(context, opened);
      // Clients take the number in parentheses for the length of what follows; with TYPE A and MODE Z it is not known.
      const known = type === 'I' && mode === 'S' ? ` (${part.endBytes - part.offsetBytes} bytes)` : '';
      const mark = reply(150, `Sending the file${known}.`);
      const sent = await overData(context, 'send', mark, (connection) => send({ connection, opened, type, ...part }));
      context.note({ bytes: sent.bytes });
      return { reply: reply(226, `Sent ${sent.bytes} bytes.`) };
    } finally {
      await opened.close();
    }
  },
});

/** The commands of this file. */
export const RETRIEVE = [retr] as const;

/** The part of a file that is sent; see `transfer/send.ts`. */
interface Part {
  readonly offsetBytes: number;
  readonly endBytes: number;
  readonly afterCr?: boolean;
}

/**
 * What RANG or REST chose, else everything. Of a range, what the file has of it.
 *
 * @throws Fault `RestartInvalid` when there is no such position, `RangeNeedsImage`.
 */
async function partToSend({ session, signal }: CommandContext, opened: OpenedFile): Promise<Part> {
  const { type, mode, restartBytes, range } = session;
  const { sizeBytes } = opened.facts;
  if (range !== undefined) {
    if (type !== 'I' || mode !== 'S') throw new Fault('RangeNeedsImage');
    const endBytes = Math.min(range.endBytes + 1, sizeBytes);
    return { offsetBytes: Math.min(range.startBytes, endBytes), endBytes };
  }
  if (restartBytes > 0 && mode !== 'S') throw new Fault('RestartInvalid', { text: 'Restarts need MODE S.' });
  if (restartBytes > 0 && type === 'A') return behindAscii(opened, restartBytes, signal);
  if (restartBytes <= sizeBytes) return { offsetBytes: restartBytes, endBytes: sizeBytes };
  throw new Fault('RestartInvalid', { text: `The file has ${sizeBytes} bytes only.` });
}

/** REST in TYPE A counts octets as they are sent, so the file is read up to there. */
async function behindAscii(opened: OpenedFile, octets: number, signal: AbortSignal): Promise<Part> {
  const endBytes = opened.facts.sizeBytes;
  // No byte becomes more than two octets: what lies beyond needs no reading.
  const place = octets <= 2 * endBytes ? await findAscii(opened.read(0), octets, signal) : undefined;
  if (place === undefined) throw new Fault('RestartInvalid', { text: 'The file is shorter than that in TYPE A.' });
  return { ...place, endBytes };
}
