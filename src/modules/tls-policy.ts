/**
 * `tls_control_required`, `tls_data_required` and a required `tls.client_certificate`, decided by the kind of a command and
 * never by a list of verbs.
 */
import { reply } from '../protocol/reply.ts';
import { Fault } from '../spi/fault.ts';
import type { Errored, Module } from '../spi/module.ts';
import { DECLINED, defineModule, ERROR } from '../spi/module.ts';

/**
 * Refuses logins in clear, and without a client certificate where one is required (530; RFC 4217 section 10.1 lets the
 * server refuse service rather than the handshake, so that the client can read why). Refuses without PROT P every command
 * that arranges or uses a data channel (521, RFC 4217 section 10.2). Because the second rule is asked when the transfer is about to start, what PROT said at PASV or PORT
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
          if (policy.clientCertificateRequired && traits.class === 'auth' && !session.controlTls?.clientCertificate) {
            return refuse(new Fault(session.controlTls === undefined ? 'TlsFirst' : 'CertificateRequired'));
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
