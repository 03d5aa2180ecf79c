/** ALPN on the control channel: whether the two sides agree that this is FTP (RFC 7301, ALPACA). */
import { errorCode } from '../../lib/error-code.ts';
import type { CheckResult, OpenCheck, ProbeContext } from '../check.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** `alpn.ftp` and `alpn.foreign`. */
export const applicationProtocolCheck: OpenCheck = {
  id: 'alpn',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const own = await agreed(context, ['ftp']);
    const foreign = await agreed(context, ['http/1.1', 'h2']);
    return {
      findings: [judgeOwn(own), judgeForeign(foreign)],
      facts: { alpn: own === 'refused' ? null : own },
    };
  },
};

/** The protocol that the server chose; null when it said nothing. */
async function agreed(context: ProbeContext, protocols: string[]): Promise<string | null | 'refused'> {
  try {
    using client = await ProbeClient.secured(context.target, context, { ALPNProtocols: protocols });
    return client.tls?.alpnProtocol || null;
  } catch (error) {
    context.signal.throwIfAborted();
    if (isTlsRefusal(error)) return 'refused';
    throw error;
  }
}

/** Whether the server declined the handshake, by an alert or by ending the connection in it. */
function isTlsRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error) ?? '';
  return code.startsWith('ERR_SSL') || code === 'ECONNRESET' || error.name === 'ConnectionLost';
}

function judgeOwn(protocol: string | null): Finding {
  if (protocol === 'ftp') return fine('alpn.ftp', 'Client and server agree by ALPN that this is FTP.');
  if (protocol === 'refused') {
    return wrong(
      'alpn.ftp',
      'low',
      'The server refuses clients that say by ALPN that they speak FTP.',
      'Let it accept the protocol "ftp".',
    );
  }
  return noted('alpn.ftp', 'The server does not know ALPN, and clients do not need it.');
}

function judgeForeign(protocol: string | null): Finding {
  if (protocol === 'refused')
    return fine('alpn.foreign', 'A client that comes for another protocol, by ALPN, is refused.');
  return wrong(
    'alpn.foreign',
    'low',
    'A client that comes for HTTP, by ALPN, is served all the same, which is what ALPACA needs (CVE-2021-3618).',
    'Where the server can, let it refuse every ALPN protocol but "ftp".',
  );
}
