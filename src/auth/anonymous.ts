/** Anonymous logins (RFC 1635): everybody who says one of a few names. Nothing is proven, so little is allowed. */
import { z } from 'zod';
import { printable } from '../lib/printable.ts';
import type { Prover } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { entryKeys } from './entry-options.ts';
import { accountTemplate, refuseWholeMachine, userName } from './users.ts';

/** Logins without proof; off until this entry is written down. They need TLS like all others. */
export const anonymousEntry = z.strictObject({
  type: z.literal('anonymous'),
  ...entryKeys,
  /** The names that need no password; case does not matter, as in no client it does. */
  users: z.array(userName).min(1).max(100).default(['anonymous', 'ftp']),
  /** The one account of all of them: `home` is required, and what they may do is `elr` unless it says otherwise. */
  account: z
    .strictObject({
      ...accountTemplate.shape,
      /** What everybody sees as `/`. */
      home: z.string().min(1).max(4_096),
    })
    .superRefine(refuseWholeMachine),
});

/** Accepts the names that it is asked about with any password, which it writes into the log. */
export function anonymousProver({ users }: { readonly users: readonly string[] }, log: Log): Prover {
  const names = new Set(users.map((name) => name.toLowerCase()));
  return {
    name: 'anonymous',
    async prove({ user, password, address }) {
      const name = user.toLowerCase();
      if (password === undefined || !names.has(name)) return { verdict: 'declined' };
      // RFC 1635 asks for the guest's mail address. It is what the client says, no more.
      const said = printable(password.reveal().slice(0, SAID_CHARACTERS_MAX));
      log.info('login.anonymous', { user: name, address, said });
      return { verdict: 'accepted', identity: { user: name, groups: [] } };
    },
  };
}

/** Protects the log: a line of a client may be longer. */
const SAID_CHARACTERS_MAX = 128;
