/** SITE RECEIPT: the proof of an upload, for those whose evidence it is. */
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { CommandContext, Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { charsetOf, type Session } from '../spi/session.ts';

/**
 * The newest receipt of what the account has stored under the path. Each of its lines stands behind one space, between the
 * first line of the reply and the last: who takes the spaces away again has it byte by byte. It needs no permission, for
 * it tells the account what it did itself.
 *
 * @throws Fault `NoSuchFile` when there is none, `FileBusy` while the file is being checked, `Parameter` when a line cannot be
 *   sent as it is.
 */
export async function sendReceipt(context: CommandContext, path: VirtualPath): Promise<Outcome> {
  context.note({ path });
  const receipt = await context.receiptOf(path);
  if (receipt === undefined) throw new Fault('NoSuchFile', { text: 'You have no receipt of that name.' });
  const lines = receiptLines(receipt, context.session);
  if (lines === undefined) throw new Fault('Parameter', NOT_SENT);
  return { reply: reply(211, 'Receipt:', ...lines, 'End') };
}

/**
 * A receipt as inner lines of a reply; undefined when one of them cannot be sent as it is: because it is too long for
 * clients, or because the session's charset writes it in other bytes.
 */
export function receiptLines(receipt: string, session: Session): readonly string[] | undefined {
  const lines = receipt.replace(/\n$/, '').split('\n');
  const charset = charsetOf(session);
  const isSendable = (line: string) => {
    const bytes = Buffer.from(line);
    return bytes.length <= LINE_BYTES_MAX && charset.encode(line).equals(bytes);
  };
  return lines.every(isSendable) ? lines : undefined;
}

/** Python's ftplib ends the session at a line of more than 8,192 bytes, and it is not alone. */
const LINE_BYTES_MAX = 8_000;

const NOT_SENT = {
  text: 'The receipt cannot be sent as a reply in this charset, or is too long for one: fetch it from /.receipts.',
} as const;
