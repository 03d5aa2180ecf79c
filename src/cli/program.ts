/** The `sallyport` command: its subcommands, and how every one of them ends. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../server/package-version.ts';
import { addAuditCommand } from './audit.ts';
import { addCertCommand } from './cert.ts';
import { addCheckCommand } from './check.ts';
import type { ExitCode } from './command-failure.ts';
import { CommandFailure, EXIT_CODES } from './command-failure.ts';
import { addComplianceCommand } from './compliance.ts';
import { addDeliveriesCommand } from './deliveries.ts';
import { addExplainCommand } from './explain.ts';
import { addProbeCommand } from './probe.ts';
import { addQuarantineCommand } from './quarantine.ts';
import { addReceiptCommand } from './receipt.ts';
import { addServeCommand } from './serve.ts';
import { addStatusCommand } from './status.ts';
import type { Terminal } from './terminal.ts';
import { addTlsCommand } from './tls.ts';
import { addUserCommand } from './user.ts';

/**
 * Runs one command line, without the program's own name in front. Failures are told on standard error in a sentence.
 *
 * @returns the exit code; it does not end the process.
 */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await buildProgram(terminal).parseAsync(words, { from: 'user' });
    return EXIT_CODES.success;
  } catch (error) {
    // Commander has printed its message, or the help that was asked for, already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.wrongUse;
    terminal.stderr.write(`sallyport: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof CommandFailure ? error.exitCode : EXIT_CODES.failure;
  }
}

/** The commander program, with its output going to the terminal given. */
function buildProgram(terminal: Terminal): Command {
  const program = new Command('sallyport')
    .description(
      'An FTPS-first secure file gateway: every file arrives whole, over TLS, from who it claims to be, or not at all.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .showHelpAfterError('(--help says how to use it)')
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    // Set before the subcommands are added, since they inherit it then.
    .exitOverride();
  addServeCommand(program, terminal);
  addCheckCommand(program, terminal);
  addExplainCommand(program, terminal);
  addCertCommand(program, terminal);
  addProbeCommand(program, terminal);
  addUserCommand(program, terminal);
  addTlsCommand(program, terminal);
  addReceiptCommand(program, terminal);
  addAuditCommand(program, terminal);
  addQuarantineCommand(program, terminal);
  addDeliveriesCommand(program, terminal);
  addStatusCommand(program, terminal);
  addComplianceCommand(program, terminal);
  return program;
}

const HELP = `
Examples:
  sallyport serve --demo                try it: certificates, a demo account and a server on 127.0.0.1:2121
  sallyport check -c sallyport.yaml     is the configuration right?
  sallyport serve -c sallyport.yaml     serve it
  sallyport explain -u acme -p /in STOR  may acme do that, and why?
  sallyport user add acme --config sallyport.yaml --home /srv/acme --generate
  sallyport cert dev --name ftp.test
  sallyport probe ftp.example.com        what does that server do, as a client sees it?
  sallyport tls simulate --min-version TLSv1.3   whom would that break?
  sallyport receipt verify FILE RECEIPT --key KEY  did it arrive, whole and as it is here?
  sallyport audit verify                 is the audit log what was signed?
  sallyport audit show --since 2h --result failure
  sallyport quarantine list              what is held back?
  sallyport status                       how is the gateway that runs?

'sallyport <command> --help' gives each command's options, examples and the files that it writes.

Exit codes:
  0  success
  1  it failed while running, for example since a port is in use
  2  wrong use of the command line, or a wrong configuration
  3  a probe could not reach its server, or not ask everything`;
