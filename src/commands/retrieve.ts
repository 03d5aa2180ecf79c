/** Downloads: RETR (RFC 959 section 4.1.3), from where REST said (RFC 3659 section 5). */
import { reply } from '../protocol/reply.ts';
import { defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import type { Session } from '../spi/session.ts';
import { send } from '../transfer/send.ts';
import { path } from './arguments.ts';
import { overData, requireArranged } from './data-transfer.ts';

/** RETR: sends a file. */
const retr = defineCommand({
  verb: 'RETR',
  class: 'read',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  help: 'RETR path',
  parse: path,

  async handle(context, target) {
    requireArranged(context);
    const { type, restartBytes: offsetBytes } = context.session;
    context.note({ path: target });
    const opened = await context.files().openRead(target);
    try {
      const bytes = bytesToSend(opened, context.session);
      // Clients take the number in parentheses for the length of what follows; with TYPE A it is not known.
      const mark = reply(150, type === 'I' ? `Sending the file (${bytes} bytes).` : 'Sending the file.');
      const sent = await overData(context, 'send', mark, (connection) =>
        send({ connection, opened, offsetBytes, type }),
      );
      context.note({ bytes: sent.bytes });
      return { reply: reply(226, `Sent ${sent.bytes} bytes.`) };
    } finally {
      await opened.close();
    }
  },
});

/** The commands of this file. */
export const RETRIEVE = [retr] as const;

/** Bytes behind the restart position. @throws Fault `RestartInvalid` when there is no such position. */
function bytesToSend({ facts }: OpenedFile, { type, restartBytes }: Session): number {
  if (restartBytes > 0 && type === 'A') throw new Fault('RestartInvalid', { text: 'Restarts need TYPE I.' });
  if (restartBytes <= facts.sizeBytes) return facts.sizeBytes - restartBytes;
  throw new Fault('RestartInvalid', { text: `The file has ${facts.sizeBytes} bytes only.` });
}
