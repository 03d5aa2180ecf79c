/** Arranging a data connection: PASV and PORT (RFC 959), EPSV and EPRT (RFC 2428). Here no policy of TLS is decided. */
import {
  type ExtendedPassive,
  formatExtendedPassive,
  formatPassive,
  type HostPort,
  parseExtendedHostPort,
  parseExtendedPassive,
  parseHostPort,
} from '../protocol/host-port.ts';
import { reply } from '../protocol/reply.ts';
import { NOTHING } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome, type Policy } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';

const ACTIVE_NOTE =
  'Only to the address of the control connection, unless others are let in, and to no port below 1024; else 501. 502 where `active.enabled` is false.';

/** PASV: listens on a port; IPv4 only, because its reply has no room for more. */
const pasv = defineCommand({
  verb: 'PASV',
  class: 'misc',
  who: 'members',
  data: 'arranges',
  rfc: 'RFC 959 section 4.1.2',
  note: 'Over IPv6 it is answered 502, because its reply has no room for such an address: EPSV has. 425 when no port is free.',
  argument: NOTHING,

  async handle({ session, data }) {
    refuseAfterEpsvAll(session);
    if (familyOf(session) === 6) throw new Fault('NotImplemented', { text: 'PASV is for IPv4 only: send EPSV.' });
    const text = formatPassive(await data.listen());
    return { reply: reply(227, orFault(text, 'PassiveFailed')) };
  },
});

/** EPSV: listens on a port, in the protocol of the control connection and no other. */
const epsv = defineCommand({
  verb: 'EPSV',
  class: 'misc',
  who: 'members',
  data: 'arranges',
  rfc: 'RFC 2428 section 3',
  feat: 'EPSV',
  note: 'ALL holds until QUIT or REIN. 425 when no port is free.',

  argument: {
    syntax: '[1|2|ALL]',
    parts: ['word'],
    required: 0,
    parse: (text): ExtendedPassive => orFault(parseExtendedPassive(text), 'Syntax'),
  },

  async handle({ session, data }, wanted) {
    if (wanted.kind === 'all') {
      return { reply: reply(200, 'From now on only EPSV arranges data connections.'), change: { kind: 'SetEpsvAll' } };
    }
    const suits = wanted.kind === 'sameProtocol' || (wanted.kind === 'protocol' && wanted.family === familyOf(session));
    if (!suits) throw wrongFamily(session);
    const { port } = await data.listen();
    return { reply: reply(229, formatExtendedPassive(port)) };
  },
});

/** PORT: names the client's own address and port to connect to. */
const port = defineCommand({
  verb: 'PORT',
  class: 'misc',
  who: 'members',
  data: 'arranges',
  rfc: 'RFC 959 section 4.1.2',
  offered: activeOffered,
  note: ACTIVE_NOTE,
  argument: {
    syntax: 'h1,h2,h3,h4,p1,p2',
    parts: ['endpoint'],
    required: 1,
    parse: (text) => orFault(parseHostPort(text), 'Syntax'),
  },
  handle: (context, target) => connectTo(context, target),
});

/** EPRT: PORT for both protocols. */
const eprt = defineCommand({
  verb: 'EPRT',
  class: 'misc',
  who: 'members',
  data: 'arranges',
  rfc: 'RFC 2428 section 2',
  feat: 'EPRT',
  offered: activeOffered,
  note: ACTIVE_NOTE,
  argument: {
    syntax: '|1|address|port|',
    parts: ['endpoint'],
    required: 1,
    parse: (text) => orFault(parseExtendedHostPort(text), 'Syntax'),
  },

  handle(context, target) {
    if (target.kind === 'unsupportedProtocol' || target.family !== familyOf(context.session)) {
      refuseAfterEpsvAll(context.session);
      throw wrongFamily(context.session);
    }
    return connectTo(context, target);
  },
});

/** The commands of this file. */
export const CONNECT_DATA = [pasv, epsv, port, eprt] as const;

/** PORT and EPRT are offered together. */
function activeOffered(_session: Session, { activeEnabled }: Policy): boolean {
  return activeEnabled;
}

/** Which addresses and ports it may be is decided where connections are made. */
function connectTo({ session, data }: CommandContext, { address, port }: HostPort): Outcome {
  refuseAfterEpsvAll(session);
  data.target({ address, port });
  return { reply: reply(200, 'The data connection goes there.') };
}

/** RFC 2428 section 3 demands a refusal and names 500 and 501 as sufficient. */
function refuseAfterEpsvAll(session: Session): void {
  if (session.epsvAll) throw new Fault('Syntax', { text: 'After EPSV ALL only EPSV arranges data connections.' });
}

function familyOf(session: Session): 4 | 6 {
  return session.local.address.includes(':') ? 6 : 4;
}

/** 522 names the protocols that would do (RFC 2428 section 2): the one that the control connection has. */
function wrongFamily(session: Session): Fault {
  const number = familyOf(session) === 4 ? 1 : 2;
  return new Fault('ExtendedProtocol', { text: `Network protocol not supported, use (${number})` });
}
