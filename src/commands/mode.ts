/** How the bytes of a transfer are sent: MODE (RFC 959 section 3.4) and its options. What MODE Z does is in `transfer/deflate.ts`. */

import { reply } from '../protocol/reply.ts';
import { asciiUpper } from '../protocol/words.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { TransferMode } from '../spi/session.ts';

/** MODE: stream, and deflate where the operator has switched it on. Block and compressed are not built. */
const mode = defineCommand({
  verb: 'MODE',
  class: 'misc',
  who: 'members',
  rfc: 'RFC 959 section 4.1.2, draft-preston-ftpext-deflate-04',
  note: 'B and C are answered 504. Z (deflate) only where `mode_z` is on: compressing before encrypting lets sizes tell of contents. Restarts need S.',
  feat: (_session, policy) => (policy.modeZ ? 'MODE Z' : []),

  argument: {
    syntax: 'S|Z',
    parts: ['word'],
    required: 1,
    parse(text): TransferMode {
      if (!/^[A-Za-z]$/.test(text)) throw new Fault('Syntax');
      const wanted = asciiUpper(text);
      if (wanted === 'S' || wanted === 'Z') return wanted;
      throw new Fault('Parameter');
    },
  },

  handle({ policy }, wanted) {
    if (wanted === 'Z' && !policy.modeZ) throw new Fault('Parameter', { text: 'MODE Z is switched off here.' });
    return { reply: reply(200, `Mode is ${wanted}.`), change: { kind: 'SetMode', mode: wanted } };
  },
});

/** The commands of this file. */
export const MODE = [mode] as const;

/** `OPTS MODE Z LEVEL n`: how hard the server compresses from now on. @throws Fault `Syntax`. */
export function modeOptions({ policy }: CommandContext, options: string): Outcome {
  if (!policy.modeZ) throw new Fault('Syntax', { text: 'MODE Z is switched off here.' });
  const level = /^Z LEVEL ([0-9])$/i.exec(options)?.[1];
  if (level === undefined) throw new Fault('Syntax', { text: 'MODE has the option Z LEVEL 0 to 9.' });
  return {
    reply: reply(200, `MODE Z LEVEL set to ${level}.`),
    change: { kind: 'SetDeflateLevel', level: Number(level) },
  };
}
