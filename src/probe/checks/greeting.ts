/** What the server tells everybody about itself before anybody has said who they are. */
import type { CheckResult, OpenCheck } from '../check.ts';
import { type Finding, fine, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** The name of a product with a number behind it, or any number of three parts. */
const PRODUCT_VERSION =
  /\b(?:proftpd|vsftpd|pure-?ftpd|filezilla server|serv-u|wu|wing ftp|sftpgo|pyftpdlib|iis|microsoft ftp|crushftp|cerberus)\D{0,12}\d+(?:\.\d+)+|\bv?\d+\.\d+\.\d+[a-z0-9]*\b/i;
/** Numbers that look like versions and are addresses. */
const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;

/** `banner.version`: whether greeting, SYST or HELP name a version, which says which known holes to try. */
export const greetingCheck: OpenCheck = {
  id: 'banner',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const { target } = context;
    using client =
      target.mode === 'implicit'
        ? await ProbeClient.connect(target, context).then(async (connected) => {
            await connected.startTls();
            return connected;
          })
        : await ProbeClient.connect(target, context);
    const greeting = await client.greeting();
    const said = [greeting.text, (await client.send('SYST')).text, (await client.send('HELP')).text];
    return { findings: [judgeBanner(said)], facts: { greeting: greeting.text } };
  },
};

function judgeBanner(said: readonly string[]): Finding {
  const version = said
    .map((text) => PRODUCT_VERSION.exec(text.replace(ADDRESS, ''))?.[0])
    .find((found) => found !== undefined);
  if (version === undefined) return fine('banner.version', 'The server does not tell strangers which version it is.');
  return wrong(
    'banner.version',
    'low',
    `The server tells strangers its version (${version}), and so which known holes to try.`,
    'Set a greeting of your own that names neither product nor version.',
  );
}
