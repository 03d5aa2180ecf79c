/** `sallyport serve`: runs the gateway until it is told to stop. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { type GatewayOptions, gatewayOptions } from '../config/options.ts';
import { systemClock } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import { enterFipsMode } from '../lib/fips.ts';
import type { Gateway } from '../server/gateway-parts.ts';
import { CommandFailure, EXIT_CODES } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import { KEY_LOG_WARNING } from './key-log.ts';
import { reloadAtSignal } from './reload.ts';
import { restartAtSignal } from './restart.ts';
import { type ServedConfiguration, type ServingGateway, servingGateway } from './serving-gateway.ts';
import type { ShareOptions } from './share.ts';
import type { Terminal } from './terminal.ts';

/** How long transfers that run may go on after the first stop signal, in milliseconds. */
const GRACE_MS = 30_000;

/** Adds `serve` to the program. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .summary('run the gateway')
    .description('Runs the gateway in the foreground until SIGINT or SIGTERM. Its log goes to standard output.')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .addOption(
      new Option('--demo', 'make certificates, an account and a configuration, and serve them').conflicts('config'),
    )
    .addOption(new Option('--state <folder>', 'with --demo: the folder that gets certs/ and var/').default('.'))
    .addOption(
      new Option('--anonymous', 'share a folder with everybody who can reach it').conflicts(['config', 'demo']),
    )
    .option('-d, --directory <folder>', 'with --anonymous: the folder', '.')
    .option('-w, --write', 'with --anonymous: guests may store, rename and delete as well')
    .addOption(new Option('-p, --port <number>', 'with --anonymous: the port').default(2121).argParser(portNumber))
    .addOption(
      new Option('-i, --interface <address>', 'with --anonymous: the address to listen on')
        .default('127.0.0.1')
        .argParser((text) => (text === 'localhost' ? '127.0.0.1' : text)),
    )
    .option('--tls-keylog <file>', 'write the secrets of TLS connections to a file: for looking into recorded traffic')
    .addHelpText('after', HELP)
    .action(async (options: ServeOptions, command: Command) => {
      refuseStrayOptions(options, command);
      const { tlsKeylog } = options;
      if (options.demo === true) return serveDemo(options.state, tlsKeylog, terminal);
      if (options.anonymous === true) {
        return serveShare({ ...options, write: options.write === true }, tlsKeylog, terminal);
      }
      const announce: Announce = (gateway) => terminal.stderr.write(listening(gateway));
      await serveFile(options.config, { tlsKeylog, announce }, terminal);
    });
}

interface ServeOptions extends Omit<ShareOptions, 'write'> {
  readonly config: string;
  readonly demo?: true;
  readonly state: string;
  readonly anonymous?: true;
  readonly write?: true;
  readonly tlsKeylog?: string;
}

/** An option that would have no effect was meant to have one. */
function refuseStrayOptions({ demo, anonymous }: ServeOptions, command: Command): void {
  const given = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (demo !== true && given('state')) command.error("error: option '--state <folder>' needs '--demo'");
  for (const name of ['directory', 'write', 'port', 'interface']) {
    if (anonymous !== true && given(name)) command.error(`error: option '--${name}' needs '--anonymous'`);
  }
}

function portNumber(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError('It must be 0 to 65535.');
  return port;
}

async function serveShare(wanted: ShareOptions, tlsKeylog: string | undefined, terminal: Terminal): Promise<void> {
  // A server that makes no certificates need not carry node-forge.
  const { prepareShare, shareAnnouncement } = await import('./share.ts');
  const share = await prepareShare(wanted, systemClock.now());
  try {
    const announce: Announce = (gateway) => {
      const port = gateway.addresses[0]?.port ?? 0;
      terminal.stdout.write(listening(gateway) + shareAnnouncement(share, wanted, port));
    };
    await serve({ options: gatewayOptions.parse(share.options), modules: [] }, { tlsKeylog, announce }, terminal);
  } finally {
    await share.remove();
  }
}

async function serveDemo(folder: string, tlsKeylog: string | undefined, terminal: Terminal): Promise<void> {
  // A server that makes no certificates need not carry node-forge.
  const { demoCommands, demoPreamble, prepareDemo } = await import('./demo.ts');
  const demo = await prepareDemo(folder, systemClock.now());
  // Before the start, which may fail: the password is never to be seen again.
  terminal.stdout.write(demoPreamble(demo));
  const announce: Announce = (gateway) => {
    terminal.stdout.write(listening(gateway) + demoCommands(demo, gateway.addresses[0]?.port ?? 0));
  };
  await serveFile(demo.configFile, { tlsKeylog, announce }, terminal);
}

/** Serves a configuration until a stop signal. @throws CommandFailure when it is wrong or the start fails. */
async function serveFile(path: string, how: Serving, terminal: Terminal): Promise<void> {
  const configuration = await requireConfiguration(path, terminal);
  await serve(configuration, { ...how, configFile: path }, terminal);
}

/** What the command line says besides the configuration. */
interface Serving {
  readonly tlsKeylog: string | undefined;
  readonly announce: Announce;
  /** What is checked again at SIGHUP. */
  readonly configFile?: string;
}

type Announce = (gateway: Reachable) => void;

type Reachable = Pick<Gateway, 'addresses' | 'metricsAddress'> & Pick<ServingGateway, 'workers' | 'because'>;

async function serve(
  configuration: ServedConfiguration,
  { tlsKeylog, announce, configFile }: Serving,
  terminal: Terminal,
): Promise<void> {
  let { options } = configuration;
  // Before anything that computes with keys: the mode is the whole process's.
  if (options.tls.profile === 'fips' && !enterFipsMode()) terminal.stderr.write(FIPS_UNAVAILABLE);
  const gateway = servingGateway(configuration, { tlsKeylog, terminal });
  if (tlsKeylog !== undefined) terminal.stderr.write(KEY_LOG_WARNING(tlsKeylog));
  const signals = stopSignals(terminal);
  const forgetReload = reloadAtSignal({ gateway, options: () => options, configFile }, terminal);
  const renewed = (next: GatewayOptions) => {
    options = next;
  };
  const forgetRestart = restartAtSignal({ gateway, configFile, renewed }, terminal);
  try {
    await start(gateway);
    announce(gateway);
    await Promise.race([signals.first, gateway.failure]).catch(async (error: unknown) => {
      await gateway.close();
      throw error;
    });
    terminal.stderr.write(`Stopping: transfers have ${GRACE_MS / 1_000} s to finish. Once more stops at once.\n`);
    await Promise.race([
      gateway.close({ graceMs: GRACE_MS }),
      signals.second.then(() => terminal.exit(EXIT_CODES.failure)),
    ]);
  } finally {
    signals.forget();
    forgetReload();
    forgetRestart();
    gateway.forget();
  }
}

async function start(gateway: ServingGateway): Promise<void> {
  try {
    await gateway.start();
  } catch (error) {
    const reason = START_FAILURES[errorCode(error) ?? ''];
    if (reason === undefined || !(error instanceof Error)) throw error;
    const { address, port } = { address: '', port: '', ...error };
    throw new CommandFailure('failure', `Cannot listen on ${hostAndPort(String(address), String(port))}: ${reason}`, {
      cause: error,
    });
  }
}

const FIPS_UNAVAILABLE = `WARNING: tls.profile is fips, but the OpenSSL of this Node has no FIPS provider that works.
WARNING: only approved algorithms are offered, but no validated module computes them.
`;

const START_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this port. Stop it, or choose another one under listen (or metrics).',
  EACCES: 'this user may not take ports below 1024. Choose a higher one, or grant CAP_NET_BIND_SERVICE.',
  EADDRNOTAVAIL: 'this machine does not have that address.',
};

/** Promises for the first and the second stop signal; from here on the process no longer ends by itself. */
function stopSignals(terminal: Terminal) {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const forget = terminal.onStopSignal(() => {
    count += 1;
    if (count === 1) first.resolve();
    else second.resolve();
  });
  return { first: first.promise, second: second.promise, forget };
}

function listening({ addresses, metricsAddress: metrics, workers, because }: Reachable): string {
  const lines = addresses.map(({ host, port, tls }) => `Listening on ${hostAndPort(host, port)} (${tls} TLS).\n`);
  if (metrics !== undefined) lines.push(`Metrics at http://${hostAndPort(metrics.host, metrics.port)}/metrics.\n`);
  if (workers > 1) lines.push(`${workers} workers serve.\n`);
  if (because !== undefined) lines.push(`One process serves, though workers is auto: ${because}.\n`);
  return lines.join('');
}

function hostAndPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const HELP = `
SIGINT (Ctrl-C) or SIGTERM stops it: no new connections, transfers have ${GRACE_MS / 1_000} seconds to finish. A second
signal stops at once; an upload that was cut off is never published.

SIGHUP reads certificates, keys and the users file again and checks the configuration; sessions keep what they began
with, and everything else in the configuration is in force from the next start on.

SIGUSR2, where there are workers, reads the configuration anew and has new ones serve it: no connection is refused,
transfers finish with the old workers, and idle sessions are ended after half a minute with 421.

--demo is for a first try on your own machine. It writes what is missing and keeps what is there:
  certs/               a development CA and a server certificate for localhost
  var/sallyport.yaml   the configuration that it serves, on 127.0.0.1:2121
  var/users.yaml       the account demo with a random password, shown once
  var/demo/            the account's files

--anonymous shares a folder in one line, over TLS like everything else, with a certificate made for this one run.
Guests log in as 'anonymous' or 'ftp' with any password.

--tls-keylog appends the secrets of every TLS connection to a file, in the form that Wireshark reads. The file is made
with mode 0600, and refused when others can use it. Never leave it on: with it, all traffic can be read.

Examples:
  sallyport serve --demo
  sallyport serve --anonymous -d /srv/drop           share a folder for reading with this machine
  sallyport serve --anonymous --write -p 2121 -i 0.0.0.0   let everybody who can reach it change it
  sallyport serve                            serves ./${CONFIG_FILE}
  sallyport serve -c /etc/sallyport/sallyport.yaml

Exit codes:
  0  stopped by a signal, every transfer finished or ended
  1  could not start (a port in use), or stopped at once
  2  wrong options or a wrong configuration; nothing was started`;
