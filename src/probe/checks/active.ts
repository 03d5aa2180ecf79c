/**
 * Whether the server would connect to somebody else for a client (FTP bounce, CVE-1999-0017). Only the address is given;
 * no transfer follows, so that nobody is ever connected to.
 */
import type { CheckResult, MemberCheck } from '../check.ts';
import { type Finding, fine, wrong } from '../finding.ts';
import type { ProbeClient } from '../probe-client.ts';

/** Addresses for documentation, which nobody has (RFC 5737, RFC 3849), and one of the server's own machine. */
const STRANGERS = [
  'PORT 192,0,2,1,195,80',
  'EPRT |1|192.0.2.1|50000|',
  'EPRT |2|2001:db8::1|50000|',
  'PORT 127,0,0,2,195,80',
];
/** A port that a mail server listens on. */
const LOW_PORT = 25;

/** `active.foreign` and `active.low-port`. */
export const activeCheck: MemberCheck = {
  id: 'active',
  needs: 'login',
  run: (context) => context.logins.use('protected', context, (client) => askAddresses(client)),
};

async function askAddresses(client: ProbeClient): Promise<CheckResult> {
  const taken: string[] = [];
  for (const line of STRANGERS) {
    if ((await client.send(line)).code < 300) taken.push(line);
  }
  const own = client.tls?.localAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1';
  const low = await client.send(`EPRT |${own.includes(':') ? 2 : 1}|${own}|${LOW_PORT}|`);
  return { findings: [judgeForeign(taken), judgeLowPort(low.code)] };
}

function judgeForeign(taken: readonly string[]): Finding {
  const [first] = taken;
  if (first === undefined) return fine('active.foreign', 'PORT and EPRT to an address of somebody else are refused.');
  return wrong(
    'active.foreign',
    'medium',
    `The server takes an address that is not the client's (${first}); it can be made to connect to others (bounce).`,
    'Allow active mode to the address of the control connection only, or switch it off.',
  );
}

function judgeLowPort(code: number): Finding {
  if (code >= 300) return fine('active.low-port', 'EPRT to a port below 1024 is refused.');
  return wrong(
    'active.low-port',
    'low',
    'The server takes a port below 1024 for active mode, where other services listen.',
    'Allow active mode to ports from 1024 on only, or switch it off.',
  );
}
