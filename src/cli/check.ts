/** `sallyport check`: says whether a configuration is right, and what it amounts to. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { printable } from '../lib/printable.ts';
import { createGateway } from '../server/gateway.ts';
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
      refuseUnlessComposed(configuration);
      const certificate = new X509Certificate(await readFile(configuration.options.tls.certificateFile ?? ''));
      terminal.stdout.write(`${config}: ok\n${summary(configuration, certificate)}`);
    });
}

/** Finds what shows only when everything is put together, such as a handler for a command that there is not. */
function refuseUnlessComposed({ options, modules }: Configuration): void {
  try {
    createGateway(options, { modules });
  } catch (error) {
    throw new CommandFailure('wrongUse', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function summary({ options, accounts }: Configuration, certificate: X509Certificate): string {
  const enabled = accounts.filter((user) => user.enabled).length;
  const disabled = accounts.length - enabled;
  const lines = {
    listen: options.listen.map(({ host, port, tls }) => `${host} port ${port} (${tls} TLS)`).join(', '),
    ...(options.hosts.length > 0 && { hosts: options.hosts.map(({ name }) => name).join(', ') }),
    passive: `ports ${options.passive.portMin} to ${options.passive.portMax}`,
    'login without TLS': options.tlsControlRequired ? 'refused' : 'ALLOWED (tls_control_required is off)',
    'data without TLS': options.tlsDataRequired ? 'refused' : 'ALLOWED (tls_data_required is off)',
    'session reuse': options.sessionReuse,
    'close notify': options.closeNotify,
    // In capitals what lets in without a proof.
    'logins by': options.authentication.map(({ type }) => (type === 'anonymous' ? 'ANONYMOUS' : type)).join(', then '),
    accounts: `${enabled} enabled, ${disabled} disabled`,
    // Somebody else may have chosen the subject: it is escaped as a log line would be.
    certificate: `${printable(certificate.subject.replaceAll('\n', ', '))}, expires ${certificate.validToDate.toISOString().slice(0, 10)}`,
  };
  return Object.entries(lines)
    .map(([name, text]) => `  ${name.padEnd(18)} ${text}\n`)
    .join('');
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
