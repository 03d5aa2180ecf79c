/** `sallyport status`: how the gateway that runs is. */
import type { Command } from 'commander';
import type { ControlResults } from '../server/control-protocol.ts';
import { CommandFailure } from './command-failure.ts';
import { askGateway } from './control.ts';
import { toIsoTimes } from './iso-times.ts';
import { asJson, type GatewayFlags, stateDirectoryOf, timeText, withGateway } from './operated.ts';
import { line } from './receipt-text.ts';
import type { Terminal } from './terminal.ts';

/** Adds `status` to the program. */
export function addStatusCommand(program: Command, terminal: Terminal): void {
  withGateway(program.command('status'))
    .summary('how the gateway that runs is')
    .description('Shows sessions, uploads between the doors, the state of the audit log, and deliveries that wait.')
    .addHelpText('after', HELP)
    .action((flags: GatewayFlags) => show(flags, terminal));
}

async function show(flags: GatewayFlags, terminal: Terminal): Promise<void> {
  const status = await askGateway(await stateDirectoryOf(flags, terminal), 'status', {});
  terminal.stdout.write(flags.json ? asJson(toIsoTimes(status)) : statusText(status));
  if (status.audit?.writable === false) {
    throw new CommandFailure('failure', `The audit log cannot be written: ${status.audit.failure}`);
  }
}

function statusText({
  version,
  pid,
  startedMs,
  listen,
  sessions,
  workers,
  uploads,
  audit,
  deliveries,
}: ControlResults['status']) {
  const counts = Object.entries(uploads).map(([state, count]) => `${count} ${state}`);
  const auditText =
    audit && `${audit.records} records, ${audit.writable ? 'writable' : 'NOT WRITABLE'} (${audit.requirement})`;
  return [
    `sallyport ${version}, process ${pid}, since ${timeText(startedMs)}\n`,
    ...listen.map(({ host, port, tls }) => line('listens', `${host} port ${port} (${tls} TLS)`)),
    line('sessions', `${sessions.all}, of which ${sessions.loggedIn} logged in; ${sessions.transfers} transfers`),
    ...workers.map(({ number, pid, connections, retiring }) =>
      line(`worker ${number}`, `process ${pid}, ${connections} connections${retiring ? ', is being replaced' : ''}`),
    ),
    line('uploads', counts.length === 0 ? 'none' : counts.join(', ')),
    line('audit log', auditText ?? 'none'),
    line('deliveries', deliveries === null ? 'none' : `${deliveries.pending} pending, ${deliveries.dead} given up`),
  ].join('');
}

const HELP = `
Of uploads that are settled, published or rejected, those of lately are counted.

Examples:
  sallyport status
  sallyport status --json | jq .uploads.quarantined

Exit codes:
  0  it runs, and its audit log can be written
  1  no gateway runs, or it cannot write its audit log
  2  wrong use, or a wrong configuration`;
