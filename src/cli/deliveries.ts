/** `sallyport deliveries`: what is to be handed on, what receivers do not take, and what the operator decides of that. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { askGateway, operatorName } from './control.ts';
import { toIsoTimes } from './iso-times.ts';
import {
  asJson,
  confirmed,
  type GatewayFlags,
  type OrderFlags,
  stateDirectoryOf,
  table,
  timeText,
  withGateway,
  withOrder,
} from './operated.ts';
import type { Terminal } from './terminal.ts';

/** Adds `deliveries` to the program. */
export function addDeliveriesCommand(program: Command, terminal: Terminal): void {
  const deliveries = program.command('deliveries').summary('what is handed on, and what receivers do not take');
  withGateway(deliveries.command('list'))
    .summary('list deliveries, and the files that are not taken')
    .description('Lists every delivery with what waits, and each file that its receiver does not take.')
    .addHelpText('after', LIST_HELP)
    .action((flags: GatewayFlags) => list(flags, terminal));
  withOrder(deliveries.command('retry'))
    .summary('have a file tried again now')
    .description('Has a file handed on again now, also one that was given up. That is recorded.')
    .argument('<id>', 'the file, by the id that `list` shows', deliveryId)
    .addHelpText('after', RETRY_HELP)
    .action((id: string, flags: OrderFlags) => retry(id, flags, terminal));
  withOrder(deliveries.command('discard'))
    .summary('give a file up for good')
    .description('Hands a file on no more. The file itself stays where it is. That is recorded.')
    .argument('<id>', 'the file, by the id that `list` shows', deliveryId)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', DISCARD_HELP)
    .action((id: string, flags: OrderFlags & { readonly yes?: true }) => discard(id, flags, terminal));
}

async function list(flags: GatewayFlags, terminal: Terminal): Promise<void> {
  const { deliveries, files } = await askGateway(await stateDirectoryOf(flags, terminal), 'deliveries.list', {});
  if (flags.json) {
    terminal.stdout.write(asJson(toIsoTimes({ deliveries, files })));
    return;
  }
  const overview = deliveries.map(({ name, kind, pending, dead, made, failed, oldestMs }) => [
    ...[name, kind, String(pending), String(dead), String(made), String(failed)],
    oldestMs === undefined ? '-' : timeText(oldestMs),
  ]);
  terminal.stdout.write(table(['DELIVERY', 'KIND', 'PENDING', 'DEAD', 'MADE', 'FAILED', 'OLDEST'], overview));
  if (files.length === 0) return;
  const rows = files.map(({ id, state, account, path, attempts, nextMs, deadMs, reason }) => [
    ...[id, state, timeText(nextMs ?? deadMs ?? 0), String(attempts), account, path, reason],
  ]);
  terminal.stdout.write(`\n${table(['ID', 'STATE', 'NEXT OR END', 'ATTEMPTS', 'ACCOUNT', 'PATH', 'WHY'], rows)}`);
}

async function retry(id: string, flags: OrderFlags, terminal: Terminal): Promise<void> {
  const directory = await stateDirectoryOf(flags, terminal);
  await askGateway(directory, 'deliveries.retry', { delivery: id, operator: operatorName(), reason: flags.reason });
  terminal.stdout.write(flags.json ? asJson({ id }) : `${id} is tried again.\n`);
}

async function discard(id: string, flags: OrderFlags & { readonly yes?: true }, terminal: Terminal): Promise<void> {
  const directory = await stateDirectoryOf(flags, terminal);
  if (flags.yes !== true) await confirmed(`Hand ${id} on no more?`, terminal);
  await askGateway(directory, 'deliveries.discard', { delivery: id, operator: operatorName(), reason: flags.reason });
  terminal.stdout.write(flags.json ? asJson({ id }) : `${id} was given up.\n`);
}

function deliveryId(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_.-]{1,128}$/.test(text)) {
    throw new InvalidArgumentError('It must be an id as `list` shows it: upload and delivery with a dot between.');
  }
  return text;
}

const LIST_HELP = `
Files in the state 'failing' are tried again by themselves at the time that is shown; 'dead' ones wait for you.

Examples:
  sallyport deliveries list
  sallyport deliveries list --json | jq -r '.files[] | select(.state == "dead") | .id'

Exit codes:
  0  they were listed, however few
  1  no gateway runs, or it has no deliveries
  2  wrong use, or a wrong configuration`;

const RETRY_HELP = `
Examples:
  sallyport deliveries retry 5d41402abc4b2a76b9719d91.erp --reason 'their server is back'

Exit codes:
  0  it is tried again; 'sallyport deliveries list' shows what comes of it
  1  no such file waits, or no gateway runs
  2  wrong use, or a wrong configuration`;

const DISCARD_HELP = `
Examples:
  sallyport deliveries discard 5d41402abc4b2a76b9719d91.erp --reason 'sent by hand' --yes

Exit codes:
  0  it was given up
  1  no such file waits, or no gateway runs
  2  wrong use, or nobody confirmed it`;
