/** TLS on the control channel and protection of data channels: AUTH, PBSZ and PROT (RFC 2228, RFC 4217). */

import { reply } from '../protocol/reply.ts';
import { asciiUpper } from '../protocol/words.ts';
import { defineCommand } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { ProtectionLevel } from '../spi/session.ts';

/**
 * The mechanisms, and what each says of data channels. TLS-C is an older name of TLS (RFC 4217 section 17). SSL and TLS-P
 * come from clients that are older than that RFC: they send neither PBSZ nor PROT and expect protected data at once.
 */
const TLS_MECHANISMS: ReadonlyMap<string, ProtectionLevel> = new Map([
  ['TLS', 'C'],
  ['TLS-C', 'C'],
  ['SSL', 'P'],
  ['TLS-P', 'P'],
]);

/** PBSZ holds what fits in 32 bits (RFC 2228 section 3). */
const PBSZ_MAX = 2 ** 32 - 1;

/** AUTH: begins TLS behind its reply. */
const auth = defineCommand({
  verb: 'AUTH',
  class: 'security',
  who: 'anyone',
  rfc: 'RFC 4217 section 4',
  feat: 'AUTH TLS',
  note: 'TLS, TLS-C, TLS-P and SSL, all of which mean TLS 1.2 or later. GSSAPI and every other mechanism are answered 504.',

  argument: {
    syntax: 'TLS',
    parts: ['word'],
    required: 1,
    parse(text) {
      const mechanism = asciiUpper(text);
      if (mechanism === '') throw new Fault('Syntax');
      return { mechanism, protection: orFault(TLS_MECHANISMS.get(mechanism), 'Parameter') };
    },
  },

  handle({ session }, { mechanism, protection }) {
    if (session.controlTls) throw new Fault('Sequence', { text: 'TLS is on already.' });
    return {
      reply: reply(234, `AUTH ${mechanism} accepted: begin TLS now.`),
      change: { kind: 'StartTls', protection },
    };
  },
});

/** PBSZ: TLS is a stream and needs no buffer size, so whatever is asked for, 0 is the answer. */
const pbsz = defineCommand({
  verb: 'PBSZ',
  class: 'security',
  who: 'anyone',
  rfc: 'RFC 4217 section 9',
  feat: 'PBSZ',
  note: 'Whatever size is asked for, the answer is 0.',

  argument: {
    syntax: '0',
    parts: ['number'],
    required: 1,
    parse(text) {
      if (!/^[0-9]{1,10}$/.test(text) || Number(text) > PBSZ_MAX) throw new Fault('Syntax');
    },
  },

  handle({ session }) {
    if (!session.controlTls) throw new Fault('Sequence', { text: 'PBSZ comes behind AUTH TLS.' });
    return { reply: reply(200, 'PBSZ=0'), change: { kind: 'SeePbsz' } };
  },
});

/** PROT: protection of the data channel, C (clear) or P (private). S and E do not exist over TLS. */
const prot = defineCommand({
  verb: 'PROT',
  class: 'security',
  who: 'anyone',
  rfc: 'RFC 4217 section 9',
  feat: 'PROT',
  note: 'S and E do not exist over TLS and are answered 536.',

  argument: {
    syntax: 'C|P',
    parts: ['word'],
    required: 1,
    parse(text) {
      const level = asciiUpper(text);
      if (level === '') throw new Fault('Syntax');
      if (!['C', 'S', 'E', 'P'].includes(level)) throw new Fault('Parameter');
      return level;
    },
  },

  handle({ session }, level) {
    if (!session.controlTls || !session.pbszSeen) {
      throw new Fault('Sequence', { text: 'PROT comes behind AUTH TLS and PBSZ 0.' });
    }
    if (level !== 'C' && level !== 'P') return { reply: reply(536, `PROT ${level} is not supported.`) };
    return { reply: reply(200, `Protection level is ${level}.`), change: { kind: 'SetProtection', level } };
  },
});

/** The commands of this file. */
export const SECURITY = [auth, pbsz, prot] as const;
