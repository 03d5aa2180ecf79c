/** `sallyport serve`: runs the gateway until it is told to stop. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { systemClock } from '../lib/clock.ts';
import type { Gateway, GatewayAddress } from '../server/gateway.ts';
import { createGateway } from '../server/gateway.ts';
import { createLogger } from '../server/logger.ts';
import { CommandFailure, EXIT_CODES, systemCode } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
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
    .addHelpText('after', HELP)
    .action(
      async (options: { readonly config: string; readonly demo?: true; readonly state: string }, command: Command) => {
        if (options.demo === true) return serveDemo(options.state, terminal);
        if (command.getOptionValueSource('state') === 'cli')
          command.error("error: option '--state <folder>' needs '--demo'");
        await serve(options.config, terminal, (addresses) => terminal.stderr.write(listening(addresses)));
      },
    );
}

async function serveDemo(folder: string, terminal: Terminal): Promise<void> {
  // A server that makes no certificates need not carry node-forge.
  const { demoCommands, demoPreamble, prepareDemo } = await import('./demo.ts');
  const demo = await prepareDemo(folder, systemClock.now());
  // Before the start, which may fail: the password is never to be seen again.
  terminal.stdout.write(demoPreamble(demo));
  await serve(demo.configFile, terminal, (addresses) => {
    terminal.stdout.write(listening(addresses) + demoCommands(demo, addresses[0]?.port ?? 0));
  });
}

/** Serves a configuration until a stop signal. @throws CommandFailure when it is wrong or the start fails. */
async function serve(
  path: string,
  terminal: Terminal,
  announce: (addresses: readonly GatewayAddress[]) => void,
): Promise<void> {
  const { options } = await requireConfiguration(path, terminal);
  const gateway = createGateway(options, { log: createLogger(options.log, terminal.stdout) });
  const signals = stopSignals(terminal);
  try {
    await start(gateway);
    announce(gateway.addresses);
    await signals.first;
    terminal.stderr.write(`Stopping: transfers have ${GRACE_MS / 1_000} s to finish. Once more stops at once.\n`);
    await Promise.race([
      gateway.close({ graceMs: GRACE_MS }),
      signals.second.then(() => terminal.exit(EXIT_CODES.failure)),
    ]);
  } finally {
    signals.forget();
  }
}

async function start(gateway: Gateway): Promise<void> {
  try {
    await gateway.start();
  } catch (error) {
    const reason = START_FAILURES[systemCode(error) ?? ''];
    if (reason === undefined || !(error instanceof Error)) throw error;
    const { address, port } = { address: '', port: '', ...error };
    throw new CommandFailure('failure', `Cannot listen on ${hostAndPort(String(address), String(port))}: ${reason}`, {
      cause: error,
    });
  }
}

const START_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this port. Stop it, or choose another port under listen.',
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

function listening(addresses: readonly GatewayAddress[]): string {
  return addresses.map(({ host, port, tls }) => `Listening on ${hostAndPort(host, port)} (${tls} TLS).\n`).join('');
}

function hostAndPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const HELP = `
SIGINT (Ctrl-C) or SIGTERM stops it: no new connections, transfers have ${GRACE_MS / 1_000} seconds to finish. A second
signal stops at once; an upload that was cut off is never published.

--demo is for a first try on your own machine. It writes what is missing and keeps what is there:
  certs/               a development CA and a server certificate for localhost
  var/sallyport.yaml   the configuration that it serves, on 127.0.0.1:2121
  var/users.yaml       the account demo with a random password, shown once
  var/demo/            the account's files

Examples:
  sallyport serve --demo
  sallyport serve                            serves ./${CONFIG_FILE}
  sallyport serve -c /etc/sallyport/sallyport.yaml

Exit codes:
  0  stopped by a signal, every transfer finished or ended
  1  could not start (a port in use), or stopped at once
  2  wrong options or a wrong configuration; nothing was started`;
