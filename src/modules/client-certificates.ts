/** Accounts that can be used only with a client certificate, perhaps a certain one, whatever else proves the login. */
import type { CertificateDemand } from '../spi/authenticator.ts';
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import type { ClientCertificate } from '../spi/tls-facts.ts';

/**
 * Refuses logins to such accounts without the certificate. The answer is that of a wrong password, and counts as one: by
 * another, whoever has no certificate could find out passwords all the same. The log has the reason, and those who watch
 * have a fault of its own.
 */
export function clientCertificates(): Module {
  return defineModule({
    name: 'client-certificates',
    onLogin({ clientCertificate: demand }, { controlTls }) {
      const reason = demand && whyNotMet(demand, controlTls?.clientCertificate);
      if (reason !== undefined) throw new Fault('AccountCertificateRequired', { cause: new Error(reason) });
    },
  });
}

/** Why a certificate is not what is demanded; undefined when it is. */
export function whyNotMet(
  { fingerprints, publicKeys }: CertificateDemand,
  shown: ClientCertificate | undefined,
): string | undefined {
  if (shown === undefined) return 'the account needs a client certificate';
  const anyWillDo = fingerprints.length === 0 && publicKeys.length === 0;
  if (anyWillDo || fingerprints.includes(shown.fingerprint) || publicKeys.includes(shown.publicKeyFingerprint)) {
    return undefined;
  }
  return 'the client certificate is none of those that the account lists';
}
