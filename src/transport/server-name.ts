/** The name that a client begins TLS for (SNI, RFC 6066 section 3), on data connections. */
import type { SecureContext } from 'node:tls';

/**
 * The `SNICallback` of a socket that has one context and does not serve every name. Names are asked for in small letters. The
 * context is not named again: Node would then keep one of its certificates only.
 */
export function namesAdmitted(admits: (serverName: string) => boolean): SniCallback {
  return (serverName, done) => {
    if (admits(serverName.toLowerCase())) done(null);
    else done(new Error(`server_name ${serverName} is not that of the control connection`));
  };
}

type SniCallback = (serverName: string, done: (error: Error | null, context?: SecureContext) => void) => void;
