/** `sallyport explain`: what the gateway would answer somebody, rule by rule, and who handles a command in which phase. */
import { isIP } from 'node:net';
import type { Command } from 'commander';
import { formatRule, type Rule, ruleOptions } from '../access/rules.ts';
import { readConfigTree } from '../config/config-tree.ts';
import type { GatewayOptions } from '../config/options.ts';
import { ruleLists } from '../config/rule-warnings.ts';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { Certificates } from '../server/certificates.ts';
import { ClientAuthorities } from '../server/client-authorities.ts';
import { type Asked, type Explanation, explainAccess } from '../server/explain.ts';
import { virtualHosts } from '../server/virtual-hosts.ts';
import { silentLog } from '../spi/log.ts';
import { CommandFailure } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import { explainChain } from './explain-chain.ts';
import type { Terminal } from './terminal.ts';

interface ExplainFlags {
  readonly config: string;
  readonly user?: string;
  readonly path?: string;
  readonly address: string;
  readonly host?: string;
  readonly tls: string;
}

/** Adds `explain` to the program. */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .summary('say who may do what, and why')
    .description('Says what the gateway would answer a command, and which rule decides. Starts and writes nothing.')
    .argument('<verb...>', 'the command, such as STOR or SITE CHMOD')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .option('-u, --user <name>', 'the account that sends it; without one, the handlers of the command are shown')
    .option('-p, --path <path>', 'what it is about, as the account sees it', '/')
    .option('--address <ip>', "the client's address", '127.0.0.1')
    .option('--host <name>', 'the virtual host that it came to')
    .option('--tls <version>', '1.2, 1.3 or none', '1.3')
    .addHelpText('after', HELP)
    .action(async (words: readonly string[], flags: ExplainFlags) => {
      const verb = words.join(' ').toUpperCase();
      const configuration = await requireConfiguration(flags.config, terminal);
      const text =
        flags.user === undefined
          ? explainChain(configuration, verb)
          : await explainUser(configuration, { ...flags, user: flags.user, verb });
      terminal.stdout.write(text);
    });
}

async function explainUser(
  { options, modules }: Awaited<ReturnType<typeof requireConfiguration>>,
  { config, user, path: typed = '/', address, host, tls, verb }: ExplainFlags & { user: string; verb: string },
): Promise<string> {
  const path = resolvePath(ROOT, typed);
  if (path === undefined) throw new CommandFailure('wrongUse', `${typed} cannot be a path.`);
  if (isIP(address) === 0) throw new CommandFailure('wrongUse', `${address} is no IP address.`);
  const version = TLS_VERSIONS.get(tls);
  if (version === undefined) throw new CommandFailure('wrongUse', '--tls is 1.2, 1.3 or none.');
  // Under any other name nobody is let in.
  if (host !== undefined && !isServed(options, host.toLowerCase())) {
    throw new CommandFailure('wrongUse', `${host} is neither a host nor a name of the gateway's certificate.`);
  }
  const imagined = { user, path, verb, address, host: host?.toLowerCase(), tls: version || undefined };
  const explanation = await explainAccess(imagined, { options, modules, clock: systemClock }).catch(
    (error: unknown) => {
      throw new CommandFailure('wrongUse', `${error instanceof Error ? error.message : String(error)}.`);
    },
  );
  return format(explanation, { subject: { user, verb, path }, placesOf: await placesIn(config) });
}

/** Whether it is a virtual host, or a name of the gateway's own certificate. */
function isServed(options: GatewayOptions, host: string): boolean {
  const quiet = { clock: systemClock, log: silentLog };
  const certificates = new Certificates(options, quiet);
  const parts = { clock: systemClock, certificates, authorities: new ClientAuthorities(options, quiet) };
  return virtualHosts(options, parts).greetingOf(host) !== undefined;
}

const TLS_VERSIONS: ReadonlyMap<string, string> = new Map([
  ['1.2', 'TLSv1.2'],
  ['1.3', 'TLSv1.3'],
  ['none', ''],
]);

interface Shown {
  readonly subject: { readonly user: string; readonly verb: string; readonly path: VirtualPath };
  readonly placesOf: (rule: Rule) => string;
}

function format(explanation: Explanation, { subject, placesOf }: Shown): string {
  const { classes, asked, letters, code, refusedBy } = explanation;
  const verdict = code === undefined ? 'allowed' : `refused with ${code} by the ${refusedBy}`;
  const lines = [
    `${subject.user} ${subject.verb} ${subject.path}: ${verdict}`,
    `  classes: ${classes.join(', ') || 'none'}`,
    letters.needed.length === 0
      ? '  letters: none are needed'
      : `  letters: needs ${letters.needed.join(' and ')}; around the path hold ${letters.around || 'none'}, in it ${letters.within || 'none'}`,
    ...asked.flatMap((one) => formatAsked(one, placesOf)),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function formatAsked({ about, decision }: Asked, placesOf: (rule: Rule) => string): readonly string[] {
  if (decision.asked.length === 0) return [`  rules about ${about}: none`];
  const end = {
    allow: 'allowed: the rest is for the letters',
    deny: 'denied',
    none: 'no rule fits: the letters decide',
  }[decision.verdict];
  return [
    `  rules about ${about}: ${end}`,
    ...decision.asked.map(({ rule, mismatch }) => {
      const why = mismatch === undefined ? 'fits, and decides' : `is about another ${mismatch}`;
      return `    ${placesOf(rule)} ${formatRule(rule)}: ${why}`;
    }),
  ];
}

/**
 * Where a rule is written. Rules lose their places when they are read, so they are found again by what they say; one
 * that stands in several places has all of them. What is in no file that was read is in an access file.
 */
async function placesIn(config: string): Promise<(rule: Rule) => string> {
  const read = await readConfigTree(config);
  const places = new Map<string, string[]>();
  if (read.ok) {
    for (const { path, rules } of ruleLists(read.tree.value, [])) {
      rules.forEach((written, index) => {
        const rule = ruleOptions.safeParse(written).data;
        if (rule === undefined) return;
        const { file, line, column } = read.tree.problemAt([...path, index], '');
        const key = JSON.stringify(rule);
        places.set(key, [...(places.get(key) ?? []), `${file}:${line}:${column}`]);
      });
    }
  }
  return (rule) => places.get(JSON.stringify(rule))?.join(' or ') ?? 'an access file or the users file:';
}

const HELP = `
Examples:
  sallyport explain STOR                                   the handlers of STOR, phase by phase
  sallyport explain --user acme --path /in/a.csv STOR      may acme store that file, and which rule says so?
  sallyport explain -u acme -p /in --address 192.0.2.7 --tls 1.2 LIST

Nobody is logged in and nothing is changed: files are only looked at. A command of two paths is taken to have the same
one twice. RNFR is answered with what RNTO would be.

Exit codes:
  0  it is explained, whatever the answer
  2  the configuration is wrong, or there is no such account or command`;
