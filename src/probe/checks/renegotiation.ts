/** Renegotiation that a client begins, in TLS 1.2 and older (CVE-2011-1473). */
import type { TLSSocket } from 'node:tls';
import { deadline } from '../../lib/deadline.ts';
import type { CheckResult, OpenCheck, ProbeContext } from '../check.ts';
import { fine, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** How long a server may take to renegotiate; one that ignores the wish says nothing at all. */
const ANSWER_MS = 4_000;

/** `tls.renegotiation`. */
export const renegotiationCheck: OpenCheck = {
  id: 'tls.renegotiation',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const old = context.facts.versions?.some(({ version, accepted }) => accepted && version !== 'TLSv1.3') ?? true;
    if (!old)
      return { findings: [fine('tls.renegotiation', 'TLS 1.3 has no renegotiation, and nothing older is spoken.')] };
    using client = await ProbeClient.secured(context.target, context, { maxVersion: 'TLSv1.2' });
    const done = client.tls !== undefined && (await renegotiated(client.tls, context));
    return {
      findings: [
        done
          ? wrong(
              'tls.renegotiation',
              'low',
              'Clients may renegotiate, and so make the server compute without end (CVE-2011-1473).',
              'Switch renegotiation by clients off.',
            )
          : fine('tls.renegotiation', 'A renegotiation that a client begins is refused.'),
      ],
    };
  },
};

async function renegotiated(socket: TLSSocket, { clock, signal }: ProbeContext): Promise<boolean> {
  using late = deadline(clock, ANSWER_MS, signal);
  const done = await new Promise<boolean>((resolve) => {
    const no = () => resolve(false);
    late.signal.addEventListener('abort', no, { once: true });
    socket.once('error', no).once('close', no);
    const begun = socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error === null));
    if (begun === false) no();
  });
  signal.throwIfAborted();
  return done;
}
