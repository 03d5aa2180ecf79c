/** PBSZ and PROT before login: what is taken in which order (RFC 4217 section 9). */
import type { CheckResult, OpenCheck, ProbeContext } from '../check.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** `prot.before-pbsz`, `prot.private`, `prot.clear` and `prot.without-tls`. */
export const protectionOrderCheck: OpenCheck = {
  id: 'prot',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const withoutTls = context.target.mode === 'explicit' ? [await judgeWithoutTls(context)] : [];
    using client = await ProbeClient.secured(context.target, context);
    const early = await client.send('PROT P');
    await client.send('PBSZ 0');
    const protectedData = await client.send('PROT P');
    const clear = await client.send('PROT C');
    return {
      findings: [...withoutTls, judgeEarly(early.code), judgePrivate(protectedData.code), judgeClear(clear.code)],
    };
  },
};

async function judgeWithoutTls(context: ProbeContext): Promise<Finding> {
  using client = await ProbeClient.connect(context.target, context);
  await client.greeting();
  client.write('PBSZ 0\r\n');
  const pbsz = await client.replyOrEnd();
  if (pbsz === undefined || pbsz.code >= 400) {
    return fine('prot.without-tls', 'PBSZ is refused before AUTH TLS, as RFC 4217 asks.');
  }
  return noted(
    'prot.without-tls',
    'PBSZ is taken before AUTH TLS, against RFC 4217 section 9; nothing is protected by that.',
    'Nothing to do, but do not take its answer for protection.',
  );
}

function judgeEarly(code: number): Finding {
  if (code === 503 || code >= 500) return fine('prot.before-pbsz', 'PROT is refused before PBSZ, as RFC 2228 asks.');
  return noted('prot.before-pbsz', `PROT P is taken before PBSZ (${code}), against RFC 2228; it does no harm.`);
}

function judgePrivate(code: number): Finding {
  if (code === 200) return fine('prot.private', 'PROT P, protected data, is accepted.');
  if (code === 530)
    return noted('prot.private', 'PROT is answered after login only.', 'Probe with --user to know more.');
  return wrong(
    'prot.private',
    'high',
    `PROT P is refused (${code}): no file can be sent under TLS.`,
    'Switch TLS on for data connections.',
  );
}

function judgeClear(code: number): Finding {
  if (code >= 400) return fine('prot.clear', 'PROT C, data in clear, is refused.');
  return noted(
    'prot.clear',
    'PROT C, data in clear, is accepted before login; whether a transfer is then refused takes a login to see.',
    'Probe with --user; data.clear is the answer.',
  );
}
