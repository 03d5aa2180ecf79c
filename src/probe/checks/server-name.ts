/** SNI: what the server does with a name that is not its own, and without one. */
import type { CheckResult, OpenCheck, ProbeContext } from '../check.ts';
import { fine, noted } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';
import { sniOf } from '../target.ts';

/** A name that nobody can have (RFC 6761 section 6.4). */
const NOBODYS = 'probe.invalid';

/** `sni.foreign` and `sni.absent`. */
export const serverNameCheck: OpenCheck = {
  id: 'sni',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const own = await fingerprint(context, sniOf(context.target));
    const foreign = await fingerprint(context, NOBODYS);
    const absent = await fingerprint(context, '');
    return {
      findings: [
        foreign === undefined
          ? fine('sni.foreign', 'A client that asks by SNI for a name of somebody else is refused.')
          : noted(
              'sni.foreign',
              'A client that asks by SNI for a name of somebody else is served all the same.',
              'Where hosts have names, let the server insist on them.',
            ),
        absent === undefined
          ? noted('sni.absent', 'A client that sends no SNI is refused: old clients cannot connect.')
          : absent === own
            ? fine('sni.absent', 'A client that sends no SNI is served, with the same certificate.')
            : noted(
                'sni.absent',
                'A client that sends no SNI gets another certificate.',
                'Check that old clients trust that one too.',
              ),
      ],
    };
  },
};

/** The certificate that is shown for a name; undefined when the handshake is refused. */
async function fingerprint(context: ProbeContext, servername: string | undefined): Promise<string | undefined> {
  using client = await ProbeClient.connect(context.target, context);
  if (context.target.mode === 'explicit') await client.askForTls();
  try {
    const secured = await client.startTls(servername === undefined ? {} : { servername });
    return secured.getPeerX509Certificate()?.fingerprint256;
  } catch {
    // Whatever the alert, such a client is not served.
    context.signal.throwIfAborted();
    return undefined;
  }
}
