/** What the options say of the terms on which TLS is spoken. */
import type { GatewayOptions } from '../config/options.ts';
import { postQuantum } from '../modules/post-quantum.ts';
import type { TlsWishes } from '../transport/tls-terms.ts';

/** The operator's wishes, with what holds where nothing is said. */
export function wishesOf(options: Pick<GatewayOptions, 'tls' | 'postQuantum'>): TlsWishes {
  const { profile, minVersion } = options.tls;
  return { profile, minVersion, postQuantum: options.postQuantum ?? postQuantum.initial };
}
