/** `sallyport probe`: the client's view of any FTPS server, ours or another's. */
import { X509Certificate } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readBoundedFile } from '../config/bounded-file.ts';
import { openToOthers } from '../config/secret-mode.ts';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable.ts';
import { Secret } from '../lib/secret.ts';
import { SEVERITIES, type Severity } from '../probe/finding.ts';
import { type ProbeReport, type ProbeRequest, runProbe, Unreachable } from '../probe/run-probe.ts';
import { parseHostAndPort } from '../probe/target.ts';
import { CommandFailure } from './command-failure.ts';
import { askOnce, readPassword } from './password-input.ts';
import { jsonFailure, jsonReport, resultOf, textReport } from './probe-report.ts';
import type { Terminal } from './terminal.ts';

interface ProbeFlags {
  readonly implicit?: true;
  readonly ca?: string;
  readonly serverName?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly passwordStdin?: true;
  readonly insecure?: true;
  readonly directory?: string;
  readonly write?: true;
  readonly json?: true;
  readonly failOn: Severity;
  readonly timeout: number;
}

/** What a finding may be called to fail: `ok` would fail for everything that is as it should be. */
const THRESHOLDS = SEVERITIES.filter((severity) => severity !== 'ok');
const TIMEOUT_SECONDS = 60;
const TIMEOUT_SECONDS_MAX = 3_600;
/** Bounds of the files that are read. Protect from a device or a wrong name. */
const CA_BYTES_MAX = 4_194_304;
const PASSWORD_BYTES_MAX = 1_024;
/** The narrowest terminal that is laid out for, and the widest: longer lines are hard to read. */
const COLUMNS_MIN = 40;
const COLUMNS_MAX = 100;
const COLUMNS_DEFAULT = 80;

/** Adds `probe` to the program. */
export function addProbeCommand(program: Command, terminal: Terminal): void {
  program
    .command('probe')
    .summary('look at any FTPS server as a client sees it')
    .description(
      'Asks an FTPS server what it does: TLS, certificates, and with an account data connections too. It writes nothing ' +
        'there, unless --write allows it.',
    )
    .argument('<host:port>', 'the server; port 21, or 990 with --implicit, when it is not said')
    .option('--implicit', 'TLS begins with the connection, not with AUTH TLS')
    .option('--ca <file>', 'PEM file: the authorities to trust, instead of the public ones')
    .option('--server-name <name>', 'the name for SNI and in the certificate; the host by default')
    .option('-u, --user <name>', 'log in as well; the password is asked for')
    .addOption(new Option('--password-file <file>', 'the file that the password is in'))
    .addOption(new Option('--password-stdin', 'read the password from standard input').conflicts('passwordFile'))
    .option('--insecure', 'send the password even if the certificate is not trusted')
    .option('--directory <path>', 'where to list, and with --write to store; where the login leads by default')
    .option('-w, --write', 'also upload a file of its own, and delete it')
    .option('--json', 'the report as JSON')
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 for findings from here on').choices(THRESHOLDS).default('medium'),
    )
    .addOption(
      new Option('--timeout <seconds>', `the longest that everything may take, 1 to ${TIMEOUT_SECONDS_MAX}`)
        .argParser(parseSeconds)
        .default(TIMEOUT_SECONDS),
    )
    .addHelpText('after', HELP)
    .action(async (place: string, flags: ProbeFlags, command: Command) => {
      refuseStrayOptions(flags, command);
      await probe(await requestOf(place, flags, terminal), flags, terminal);
    });
}

async function probe(request: ProbeRequest, { json, failOn }: ProbeFlags, terminal: Terminal): Promise<void> {
  const { stdout } = terminal;
  const progress = progressLine(terminal);
  let report: ProbeReport;
  try {
    report = await runProbe(request, systemClock, progress.show);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const { host, port, mode, serverName } = request;
    const message = printable(error.message);
    if (json === true) stdout.write(jsonFailure({ host, port, mode, serverName }, failOn, message));
    throw new CommandFailure('incomplete', `${message}.`, { cause: error });
  } finally {
    progress.clear();
  }
  const columns = Math.min(Math.max(stdout.columns ?? COLUMNS_DEFAULT, COLUMNS_MIN), COLUMNS_MAX);
  const colour = stdout.isTTY === true && !process.env.NO_COLOR;
  stdout.write(json === true ? jsonReport(report, failOn) : textReport(report, { columns, colour }));
  switch (resultOf(report, failOn)) {
    case 'findings':
      throw new CommandFailure('failure', `there are findings of severity ${failOn} or above.`);
    case 'incomplete':
      throw new CommandFailure('incomplete', 'not everything could be asked; what is missing says why.');
    default:
  }
}

async function requestOf(place: string, flags: ProbeFlags, terminal: Terminal): Promise<ProbeRequest> {
  const mode = flags.implicit === true ? 'implicit' : 'explicit';
  const where = parseHostAndPort(place, mode);
  if (where === undefined) {
    throw new CommandFailure('wrongUse', `${printable(place)} is no server; write host, host:port or [address]:port.`);
  }
  return {
    ...where,
    mode,
    serverName: flags.serverName ?? where.host,
    ca: flags.ca === undefined ? undefined : await authorities(flags.ca),
    timeoutMs: flags.timeout * 1_000,
    credentials:
      flags.user === undefined
        ? undefined
        : { user: oneLine(flags.user, '--user'), password: await password(flags, terminal) },
    directory: flags.directory === undefined ? undefined : oneLine(flags.directory, '--directory'),
    write: flags.write === true,
    verified: flags.insecure !== true,
  };
}

/** An option that would have no effect was meant to have one. */
function refuseStrayOptions(flags: ProbeFlags, command: Command): void {
  if (flags.user !== undefined) return;
  for (const name of ['passwordFile', 'passwordStdin', 'insecure', 'directory', 'write'] as const) {
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (flags[name] !== undefined) command.error(`error: option '--${option}' needs '--user'`);
  }
}

async function authorities(file: string): Promise<string> {
  const read = await readBoundedFile(file, CA_BYTES_MAX);
  if (!read.ok) throw new CommandFailure('wrongUse', `--ca ${read.message}.`);
  try {
    new X509Certificate(read.text);
  } catch (error) {
    throw new CommandFailure('wrongUse', `--ca has no certificate in it: ${file}.`, { cause: error });
  }
  return read.text;
}

async function password(flags: ProbeFlags, terminal: Terminal): Promise<Secret> {
  return new Secret(oneLine(await passwordText(flags, terminal), 'the password'));
}

async function passwordText({ passwordFile, passwordStdin }: ProbeFlags, terminal: Terminal): Promise<string> {
  if (passwordStdin === true) return await readPassword(terminal);
  if (passwordFile === undefined) {
    const otherwise = 'There is no terminal to ask for the password on: use --password-stdin or --password-file.';
    return await askOnce(terminal, { question: 'Password: ', otherwise }, 'hidden');
  }
  const read = await readBoundedFile(passwordFile, PASSWORD_BYTES_MAX);
  if (!read.ok) throw new CommandFailure('wrongUse', `--password-file ${read.message}.`);
  const open = openToOthers(passwordFile, read.mode);
  if (open !== undefined) throw new CommandFailure('wrongUse', `${passwordFile} ${open}.`);
  return read.text.replace(/\r?\n$/, '');
}

/** What goes into a command line must be one: a line break would begin another command. */
function oneLine(text: string, what: string): string {
  if (text === '' || /[\r\n\0]/.test(text)) {
    throw new CommandFailure('wrongUse', `${what} must be one line, and not empty.`);
  }
  return text;
}

function parseSeconds(text: string): number {
  const seconds = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > TIMEOUT_SECONDS_MAX) {
    throw new InvalidArgumentError(`It must be 1 to ${TIMEOUT_SECONDS_MAX}.`);
  }
  return seconds;
}

/** Says on a terminal what is being asked, in one line that goes away again. */
function progressLine({ stderr }: Terminal) {
  if (stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  return {
    show: (id: string) => void stderr.write(`\r\x1b[K${id} ...`),
    clear: () => void stderr.write('\r\x1b[K'),
  };
}

const HELP = `
Without an account it asks what strangers may ask, and says what it has left out. With one it lists a directory, several
times and in several ways. The password is sent only under TLS 1.2 or newer to a server whose certificate is trusted.

Examples:
  sallyport probe ftp.example.com
  sallyport probe ftp.example.com:990 --implicit --ca ca.crt
  sallyport probe 127.0.0.1:2121 --server-name localhost --ca certs/ca.crt --user demo
  sallyport probe ftp.example.com --user monitor --password-file /etc/monitor/ftp --json --fail-on high

docs/probe.md says what every finding means, and what the JSON looks like.

Exit codes:
  0  nothing at the threshold or above
  1  findings at the threshold (--fail-on) or above
  2  wrong use; nothing was asked
  3  the server could not be reached, or not everything could be asked`;
