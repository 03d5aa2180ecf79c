/**
 * `tls_control_required`, `tls_data_required`, `post_quantum` and a required `tls.client_certificate`, decided by the kind of a
 * command and never by a list of verbs. It also says at every start what an auditor must not overlook.
 */
import { fipsMode } from '../lib/fips.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { DECLINED, defineModule } from '../spi/module.ts';
import type { Settings } from '../spi/settings.ts';
import type { TlsProfileName } from '../transport/tls-profiles.ts';
import { guardLogin, postQuantum, requiresPostQuantum } from './post-quantum.ts';

/** What the policy is made with. */
export interface TlsPolicyParts {
  readonly profile: TlsProfileName;
  /** Whether the secrets of connections are written down. */
  readonly keysLogged: boolean;
  /** What directives amount to; known only once the modules are. */
  settings(): Settings;
  readonly log: Log;
}

/**
 * Refuses logins in clear, and without a client certificate where one is required (530; RFC 4217 section 10.1 lets the
 * server refuse service rather than the handshake, so that the client can read why). Refuses without PROT P every command
 * that arranges or uses a data channel (521, RFC 4217 section 10.2). Because the second rule is asked when the transfer is about to start, what PROT said at PASV or PORT
 * does not matter; and because it is asked in PRE_CMD, the target has not been touched.
 */
export function tlsPolicy({ profile, keysLogged, settings, log }: TlsPolicyParts): Module {
  return defineModule({
    name: 'tls-policy',
    directives: [postQuantum],
    async onStart() {
      if (keysLogged) log.warn('tls.keys_logged', { warning: KEYS_LOGGED });
      if (profile === 'fips' && fipsMode() !== 'on') log.warn('tls.fips_mode_off', { warning: FIPS_MODE_OFF });
    },
    onLogin: (account, session) => guardLogin(settings(), account, session),
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        // Before every other guard: nobody else should look at a command that came over the wrong channel.
        priority: 1_000,
        handle({ traits, context: { session, policy } }) {
          if (policy.tlsControlRequired && traits.class === 'auth' && session.controlTls === undefined) {
            throw new Fault('TlsFirst');
          }
          if (policy.clientCertificateRequired && traits.class === 'auth' && !session.controlTls?.clientCertificate) {
            throw new Fault(session.controlTls === undefined ? 'TlsFirst' : 'CertificateRequired');
          }
          const usesData = traits.data === 'arranges' || traits.data === 'transfers';
          if (!usesData || session.protection === 'P') return DECLINED;
          const mustProtect = policy.tlsDataRequired || requiresPostQuantum(settings(), session);
          if (mustProtect) throw new Fault('ProtectionRequired');
          return DECLINED;
        },
      },
    ],
  });
}

const KEYS_LOGGED =
  'TLS secrets are written to a file: whoever reads it can read every connection, also recorded ones.';
const FIPS_MODE_OFF =
  'The fips profile offers approved algorithms only, but OpenSSL is not in FIPS mode: no validated module is in use.';
