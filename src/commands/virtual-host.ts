/** HOST: which of the names of this server the client wants to talk to (RFC 7151). */
import { parseHostName } from '../protocol/host-name.ts';
import { reply } from '../protocol/reply.ts';
import { defineCommand } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';

/** HOST: before login only; it begins the login anew. */
const host = defineCommand({
  verb: 'HOST',
  class: 'misc',
  who: 'anyone',
  rfc: 'RFC 7151 section 3',
  feat: 'HOST',
  note: 'Behind TLS it must repeat the name that was given there, if one was (SNI); else 504.',
  argument: { syntax: 'name', parts: ['word'], required: 1, parse: (text) => orFault(parseHostName(text), 'Syntax') },

  handle(context, name) {
    const { session } = context;
    context.note({ host: name });
    if (session.login.state === 'LoggedIn') throw new Fault('Sequence', { text: 'HOST comes before the login.' });
    const serverName = session.controlTls?.serverName;
    if (serverName !== undefined && serverName !== name) {
      throw new Fault('Parameter', { text: 'TLS was begun for another name.' });
    }
    const greeting = name === session.local.address ? 'This is the address.' : context.greetingOf(name);
    if (greeting === undefined) throw new Fault('Parameter', { text: 'There is no such host here.' });
    const keepsCertificate = context.certificateCountsAt(name);
    return { reply: reply(220, greeting), change: { kind: 'SetHost', host: name, keepsCertificate } };
  },
});

/** The commands of this file. */
export const VIRTUAL_HOST = [host] as const;
