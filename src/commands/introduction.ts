/** What a client says of itself: its name (CLNT, CSID), for the log, and its language (LANG, RFC 2640 section 4). */
import { printable } from '../lib/printable.ts';
import { reply } from '../protocol/reply.ts';
import { text } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';

/** A client's name as the log keeps it. Protects every entry that repeats it from one that goes on and on. */
const CLIENT_NAME_CHARS_MAX = 100;

/** A language tag (RFC 2640 section 4.2). */
const LANGUAGE_TAG = /^([A-Za-z]{1,8})(?:-[A-Za-z]{1,8})*$/;

/** LANG: English and no other; every English will do, as section 4.2 allows. */
const lang = defineCommand({
  verb: 'LANG',
  class: 'misc',
  who: 'anyone',
  rfc: 'RFC 2640 section 4',
  feat: 'LANG EN*',
  note: 'English only; other languages are answered 504.',

  argument: {
    syntax: '[EN]',
    parts: ['word'],
    required: 0,
    parse(text) {
      const primary = text === '' ? 'en' : LANGUAGE_TAG.exec(text)?.[1];
      if (primary === undefined) throw new Fault('Syntax');
      return primary.toLowerCase();
    },
  },

  handle(_context, primary) {
    if (primary !== 'en') throw new Fault('Parameter', { text: 'This server speaks English only.' });
    return { reply: reply(200, 'Replies are in English.') };
  },
});

/** CLNT: the client's name in its own words. */
const clnt = defineCommand({
  verb: 'CLNT',
  class: 'misc',
  who: 'anyone',
  rfc: 'no document; common practice',
  feat: 'CLNT',
  note: 'The name goes into the log, the first of a session at once, and decides nothing.',
  argument: text('name'),
  handle: (context, name) => introduce(context, name, 'Noted.'),
});

/**
 * CSID: the same with names for the parts. The answer says what a client must know of paths here, and neither version nor
 * system.
 */
const csid = defineCommand({
  verb: 'CSID',
  class: 'misc',
  who: 'anyone',
  rfc: "no document; Serv-U's manual",
  feat: 'CSID Name; Version;',
  note: 'The name goes into the log, the first of a session at once, and decides nothing. The answer keeps version and system to itself.',

  argument: {
    syntax: 'Name=name; Version=version;',
    parts: ['text'],
    required: 1,
    parse(text) {
      const named = (part: string) => new RegExp(`(?:^|;) *${part} *= *([^;]*)`, 'i').exec(text)?.[1]?.trim() ?? '';
      const name = named('Name');
      if (name === '') throw new Fault('Syntax');
      return `${name} ${named('Version')}`.trim();
    },
  },

  handle: (context, name) => introduce(context, name, `Name=${context.policy.productName}; CaseSensitive=1; DirSep=/;`),
});

/** The commands of this file. */
export const INTRODUCTION = [lang, clnt, csid] as const;

function introduce({ session, log, verb }: CommandContext, said: string, answer: string): Outcome {
  const name = printable(said).slice(0, CLIENT_NAME_CHARS_MAX);
  // Once a session for each of the two: a client that keeps renaming itself must not fill the log.
  if (!session.clientNamedBy.includes(verb)) log.info('client.named', { verb, client: name });
  return { reply: reply(200, answer), change: { kind: 'SetClientName', name, verb } };
}
