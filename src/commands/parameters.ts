/** How data are transferred: TYPE, STRU, REST and ALLO (RFC 959 section 4.1.2), OPTS (RFC 2389 section 4). */

import { parseFactList } from '../protocol/facts.ts';
import { parseOffset } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import { asciiUpper } from '../protocol/words.ts';
import { UTF_8 } from '../spi/charset.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import { holdsAnywhere } from '../spi/permissions.ts';
import { charsetOf, type TransferType } from '../spi/session.ts';
import { hashOption } from './hash.ts';
import { modeOptions } from './mode.ts';
import { uploadBytesMax } from './store.ts';

/** `L 8` is image by another name (RFC 959 section 3.1.1.4). */
const TYPES: Readonly<Record<string, TransferType>> = { A: 'A', 'A N': 'A', I: 'I', 'L 8': 'I' };

/** TYPE: ASCII or image. */
const type = defineCommand({
  verb: 'TYPE',
  class: 'misc',
  who: 'members',
  rfc: 'RFC 959 section 4.1.2',
  note: 'E (EBCDIC), the formats T and C, and L of other sizes are answered 504.',

  argument: {
    syntax: 'A|A N|I|L 8',
    parts: ['word'],
    required: 1,
    parse(text): TransferType {
      const wanted = asciiUpper(text);
      const known = TYPES[wanted];
      if (known !== undefined) return known;
      throw new Fault(/^([AE]( [NTC])?|L [0-9]{1,3})$/.test(wanted) ? 'Parameter' : 'Syntax');
    },
  },

  handle: (_context, wanted) => ({
    reply: reply(200, `Type is ${wanted}.`),
    change: { kind: 'SetType', type: wanted },
  }),
});

/** STRU: file. */
const stru = defineCommand({
  verb: 'STRU',
  class: 'misc',
  who: 'members',
  rfc: 'RFC 959 section 4.1.2',
  note: 'R and P are answered 504: files here are sequences of bytes.',
  argument: { syntax: 'F', parts: ['word'], required: 1, parse: (text) => only('F', text) },
  handle: () => ({ reply: reply(200, 'Structure is F.') }),
});

/**
 * REST: where the next transfer starts. Whether the file has such a position, and whether the type allows one, is
 * answered by that transfer, as RFC 3659 section 5.3 demands.
 */
const rest = defineCommand({
  verb: 'REST',
  class: 'misc',
  who: 'members',
  rfc: 'RFC 3659 section 5',
  feat: 'REST STREAM',
  argument: { syntax: 'offset', parts: ['number'], required: 1, parse: (text) => orFault(parseOffset(text), 'Syntax') },

  handle: (_context, offsetBytes) => ({
    reply: reply(350, `Restarting at ${offsetBytes}. Send RETR or STOR.`),
    change: { kind: 'SetRestart', offsetBytes },
  }),
});

/**
 * ALLO: reserves nothing, but says at once when there is no room, or no right to store anything. It names no file, so that
 * a right anywhere is enough: a client may send it in one directory and store in another. A record size behind ` R ` is
 * ignored.
 */
const allo = defineCommand({
  verb: 'ALLO',
  class: 'misc',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['w or a, in any directory'],
  note: 'Reserves nothing. 550 for an account that may store nowhere, 452 for more than there is room for, 552 for more than the largest upload: the codes of STOR, as no code of section 5.4 says any of this.',

  argument: {
    syntax: 'bytes',
    parts: ['number'],
    required: 1,
    parse(text) {
      const bytes = /^([0-9]+)( R [0-9]+)?$/i.exec(text)?.[1];
      return orFault(parseOffset(bytes ?? ''), 'Syntax');
    },
  },

  async handle(context, bytes) {
    const account = context.account();
    if (!holdsAnywhere(account, 'w') && !holdsAnywhere(account, 'a')) throw new Fault('PermissionDenied');
    const bytesMax = uploadBytesMax(context);
    if (bytesMax > 0 && bytes > bytesMax) throw new Fault('QuotaExceeded', { text: `More than ${bytesMax} bytes.` });
    const freeBytes = await context.files().freeBytes(context.session.cwd);
    if (freeBytes !== undefined && bytes > freeBytes) {
      throw new Fault('StorageFull', { text: 'Not enough space on the server.' });
    }
    return { reply: reply(200, 'There is room.') };
  },
});

/** OPTS: UTF8, MLST, HASH and MODE. Its failures are 501 (RFC 2389 section 4). */
const opts = defineCommand({
  verb: 'OPTS',
  class: 'misc',
  who: 'anyone',
  rfc: 'RFC 2389 section 4',
  feat: 'UTF8',

  argument: {
    syntax: 'UTF8 ON|OFF, MLST facts, HASH algorithm, MODE Z LEVEL n',
    parts: ['word', 'text'],
    required: 1,
    parse(text) {
      const [, target = '', options = ''] = /^(\S+)(?: (.*))?$/.exec(text) ?? [];
      return { target: asciiUpper(target), options };
    },
  },

  handle(context, { target, options }) {
    if (target === 'UTF8' || target === 'UTF-8') return utf8(context, asciiUpper(options));
    if (target === 'HASH') return hashOption(context.session, options);
    if (target === 'MODE') return modeOptions(context, options);
    if (target !== 'MLST') throw new Fault('Syntax', { text: 'There are options for UTF8, MLST, HASH and MODE only.' });
    const facts = orFault(parseFactList(options), 'Syntax');
    const list = facts.map((fact) => `${fact};`).join('');
    return {
      reply: reply(200, list === '' ? 'MLST OPTS' : `MLST OPTS ${list}`),
      change: { kind: 'SetMlstFacts', facts },
    };
  },
});

/** The commands of this file. */
export const PARAMETERS = [type, stru, rest, allo, opts] as const;

/**
 * Names are UTF-8 (RFC 2640 section 3.2), and many clients ask for it before they log in. Only an account with a charset of
 * its own has anything to go back to.
 */
function utf8({ session }: CommandContext, state: string): Outcome {
  const own = charsetOf({ ...session, utf8Asked: false });
  if (state === '' || state === 'ON') {
    return { reply: reply(200, 'Names are UTF-8.'), change: { kind: 'AskUtf8', asked: true } };
  }
  if (state !== 'OFF' || own === UTF_8) throw new Fault('Syntax', { text: 'Names are always UTF-8 here.' });
  return { reply: reply(200, `Names are ${own.name}.`), change: { kind: 'AskUtf8', asked: false } };
}

/** The command has one-letter codes, one of which is built. @throws Fault `Parameter` for the others. */
function only(code: string, text: string): undefined {
  if (!/^[A-Za-z]$/.test(text)) throw new Fault('Syntax');
  if (asciiUpper(text) !== code) throw new Fault('Parameter');
}
