/** The roots that clients have: those that come with Node, which are Mozilla's, and those that this machine trusts. */
import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

/** Whether some known root fits. Reading them all takes some ten milliseconds, so this is for the rare case that asks. */
export function isKnownRoot(fits: (root: X509Certificate) => boolean): boolean {
  return [...getCACertificates('bundled'), ...getCACertificates('system')].some((text) =>
    fits(new X509Certificate(text)),
  );
}
