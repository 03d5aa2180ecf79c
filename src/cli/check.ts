/** `sallyport check`: says whether a configuration is right, and what it amounts to. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { GatewayOptions } from '../config/options.ts';
import { workerCount } from '../config/workers.ts';
import { isFipsModeAvailable } from '../lib/fips.ts';
import { printable } from '../lib/printable.ts';
import { auditDirectory } from '../server/audit.ts';
import type { GatewayCertificate } from '../server/certificates.ts';
import { gatewayInOneProcess } from '../server/gateway.ts';
import type { Gateway } from '../server/gateway-parts.ts';
import { wishesOf } from '../server/tls-wishes.ts';
import { hasHybridGroups, NO_HYBRID_GROUPS, tlsTerms } from '../transport/tls-terms.ts';
import { CommandFailure } from './command-failure.ts';
import type { Configuration } from './configuration.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** Adds `check` to the program. */
export function addCheckCommand(program: Command, terminal: Terminal): void {
  program
    .command('check')
    .summary('validate a configuration')
    .description('Validates a configuration with its users file, certificate and key. Starts and writes nothing.')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .addHelpText('after', HELP)
    .action(async ({ config }: { readonly config: string }) => {
      const configuration = await requireConfiguration(config, terminal);
      const { certificates } = composed(configuration);
      terminal.stdout.write(`${config}: ok\n${summary(configuration)}${certificates.map(certificateLine).join('')}`);
    });
}

/**
 * The gateway, which is not started: some things show only when everything is put together, such as a handler for a command
 * that there is not. @throws CommandFailure (wrong use).
 */
function composed({ options, modules }: Configuration): Gateway {
  try {
    return gatewayInOneProcess(options, { modules });
  } catch (error) {
    throw new CommandFailure('wrongUse', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function summary(configuration: Configuration): string {
  const { options, accounts } = configuration;
  const enabled = accounts.filter((user) => user.enabled).length;
  const disabled = accounts.length - enabled;
  const lines = {
    listen: options.listen.map(({ host, port, tls }) => `${host} port ${port} (${tls} TLS)`).join(', '),
    ...(options.hosts.length > 0 && { hosts: options.hosts.map(({ name }) => name).join(', ') }),
    'TLS profile': `${options.tls.profile}, ${tlsTerms(wishesOf(options)).minVersion} or later`,
    'post-quantum': postQuantumLine(options),
    ...(options.tls.profile === 'fips' && { 'FIPS mode': fipsLine(accounts) }),
    passive: `ports ${options.passive.portMin} to ${options.passive.portMax}`,
    'login without TLS': options.tlsControlRequired ? 'refused' : 'ALLOWED (tls_control_required is off)',
    'data without TLS': options.tlsDataRequired ? 'refused' : 'ALLOWED (tls_data_required is off)',
    'session reuse': options.sessionReuse,
    'close notify': options.closeNotify,
    ...(options.metrics !== undefined && {
      metrics: `${options.metrics.host} port ${options.metrics.port} (clear HTTP)`,
    }),
    // In capitals what lets in without a proof.
    'logins by': options.authentication.map(({ type }) => (type === 'anonymous' ? 'ANONYMOUS' : type)).join(', then '),
    accounts: `${enabled} enabled, ${disabled} disabled`,
    ...(options.gates.length > 0 && { gates: options.gates.map(({ name, kind }) => `${name} (${kind})`).join(', ') }),
    'audit log': auditLine(options),
    ...(options.workers !== 1 && { workers: workersLine(configuration) }),
  };
  return Object.entries(lines)
    .map(([name, text]) => line(name, text))
    .join('');
}

/** Somebody else may have chosen the subject: it is escaped as a log line would be. */
function certificateLine({ host, subject, names, keyKind, notAfterMs, daysLeft }: GatewayCertificate): string {
  const end = `expires ${new Date(notAfterMs).toISOString().slice(0, 10)}, in ${daysLeft} days`;
  const place = host === undefined ? '' : `at ${host}: `;
  return line('certificate', printable(`${place}${subject}, ${end}, ${keyKind}, for ${names.join(', ')}`));
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(18)} ${text}\n`;
}

function auditLine(options: GatewayOptions): string {
  const directory = auditDirectory(options);
  return directory === undefined ? 'OFF' : printable(`${directory} (${options.audit.requirement})`);
}

function workersLine(configuration: Configuration): string {
  const { count, because } = workerCount(configuration, availableParallelism());
  const why = because === undefined ? '' : ` (auto: ${because})`;
  return `${count === 1 ? 'none, one process serves' : `${count} processes`}${why}`;
}

function postQuantumLine(options: GatewayOptions): string {
  const { postQuantum } = wishesOf(options);
  const missing = postQuantum === 'preferred' && !hasHybridGroups(options.tls.profile);
  return missing ? `preferred, but NOT AVAILABLE: it ${NO_HYBRID_GROUPS}` : postQuantum;
}

function fipsLine(accounts: Configuration['accounts']): string {
  if (!isFipsModeAvailable()) return 'NOT AVAILABLE: the OpenSSL of this Node has no FIPS provider that works';
  const useless = accounts.filter(({ passwordHash = '' }) => /^\$(?:argon2|scrypt)/.test(passwordHash)).length;
  return useless === 0 ? 'available' : `available; ${useless} accounts have hashes THAT IT REFUSES (argon2id, scrypt)`;
}

const HELP = `
Every mistake is printed with its file, line and column:
  sallyport.yaml:14:7 users[2].home: is missing

Examples:
  sallyport check                              checks ./${CONFIG_FILE}
  sallyport check -c /etc/sallyport/sallyport.yaml && systemctl restart sallyport

Exit codes:
  0  the configuration is right
  2  it is not; everything that is wrong is on standard error`;
