/** `tls_control_required` and `tls_data_required`, decided by the kind of a command and never by a list of verbs. */
import { reply } from '../protocol/reply.ts';
import { Fault } from '../spi/fault.ts';
import type { Errored, Module } from '../spi/module.ts';
import { DECLINED, defineModule, ERROR } from '../spi/module.ts';

/**
 * Refuses logins in clear (530) and, without PROT P, every command that arranges or uses a data channel (521, RFC 4217
 * section 10.2). Because the second rule is asked when the transfer is about to start, what PROT said at PASV or PORT
 * does not matter; and because it is asked in PRE_CMD, the target has not been touched.
 */
export function tlsPolicy(): Module {
  return defineModule({
    name: 'tls-policy',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        // Before every other guard: nobody else should look at a command that came over the wrong channel.
        priority: 1_000,
        handle({ traits, context: { session, policy } }) {
          if (policy.tlsControlRequired && traits.class === 'auth' && session.controlTls === undefined) {
            return refuse(new Fault('TlsFirst'));
          }
          const usesData = traits.data === 'arranges' || traits.data === 'transfers';
          if (policy.tlsDataRequired && usesData && session.protection !== 'P') {
            return refuse(new Fault('ProtectionRequired'));
          }
          return DECLINED;
        },
      },
    ],
  });
}

function refuse(fault: Fault): Errored {
  return ERROR(reply(fault.code, fault.text));
}
