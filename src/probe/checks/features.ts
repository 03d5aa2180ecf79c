/** What the server says that it can do: FEAT (RFC 2389), under TLS. */
import type { CheckResult, OpenCheck } from '../check.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** `features.list` and `features.ccc`. */
export const featuresCheck: OpenCheck = {
  id: 'features',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    using client = await ProbeClient.secured(context.target, context);
    const reply = await client.send('FEAT');
    const lines = reply.text.split(/\r?\n/).slice(1, -1);
    const features = reply.code === 211 ? lines.map((line) => line.replace(/^211-/, '').trim()).filter(Boolean) : [];
    return { findings: [judgeList(features), judgeClearing(features)], facts: { features } };
  },
};

/** What a client has to know before it can do what it should (RFC 4217 section 6, RFC 2428, RFC 3659). */
const EXPECTED = ['PBSZ', 'PROT', 'EPSV', 'MLST', 'SIZE', 'UTF8'];

function judgeList(features: readonly string[]): Finding {
  const verbs = new Set(features.flatMap((feature) => feature.toUpperCase().split(/[ ;]/).slice(0, 1)));
  const missing = EXPECTED.filter((verb) => !verbs.has(verb));
  if (missing.length === 0)
    return fine('features.list', `FEAT lists ${features.length} features, with all that clients look for.`);
  return noted(
    'features.list',
    features.length === 0 ? 'FEAT lists nothing before login.' : `FEAT does not list ${missing.join(', ')}.`,
    'Check that your clients do without.',
  );
}

function judgeClearing(features: readonly string[]): Finding {
  if (!features.some((feature) => /^CCC\b/i.test(feature))) {
    return fine('features.ccc', 'The server does not offer to leave TLS (CCC).');
  }
  return wrong(
    'features.ccc',
    'low',
    'The server lets clients leave TLS on the control channel (CCC), whose commands can then be read and changed.',
    'Switch CCC off, and let firewalls know the passive ports instead.',
  );
}
