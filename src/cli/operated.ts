/** What the commands share that act on a running gateway: where it is, who gives the order and why, and tables. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { printable } from '../lib/printable.ts';
import { CommandFailure } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** How a gateway is named on the command line. */
export interface GatewayFlags {
  readonly config: string;
  readonly directory?: string;
  readonly json?: true;
}

/** Flags of orders. */
export interface OrderFlags extends GatewayFlags {
  readonly reason: string;
}

/** Adds the options that name a gateway. */
export function withGateway(command: Command): Command {
  return command
    .addOption(new Option('-c, --config <file>', 'the configuration of the gateway').default(CONFIG_FILE))
    .addOption(new Option('-d, --directory <dir>', 'its state directory').conflicts('config'))
    .option('--json', 'as JSON, for programs');
}

/** The same, for an order, which is never given without a reason. */
export function withOrder(command: Command): Command {
  return withGateway(command).requiredOption('-r, --reason <text>', 'why: it stands in the audit log', reasonText);
}

/** The state directory of the gateway. @throws CommandFailure (wrong use). */
export async function stateDirectoryOf({ config, directory }: GatewayFlags, terminal: Terminal): Promise<string> {
  if (directory !== undefined) return directory;
  const { stateDirectory } = (await requireConfiguration(config, terminal)).options;
  if (stateDirectory !== undefined) return stateDirectory;
  throw new CommandFailure('wrongUse', `${config} has no state_directory.`);
}

/** Asks before something is done that cannot be undone. @throws CommandFailure (wrong use) for anything but yes. */
export async function confirmed(question: string, { stdin, stderr }: Terminal): Promise<void> {
  if (stdin.isTTY !== true) throw new CommandFailure('wrongUse', 'Say --yes: there is nobody to ask.');
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `);
    if (/^y(?:es)?$/i.test(answer.trim())) return;
  } finally {
    asking.close();
  }
  throw new CommandFailure('wrongUse', 'Nothing was done.');
}

/** JSON for programs. */
export function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Rows below their heads, each column as wide as its widest cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows.map((row) => row.map(printable))];
  const widths = heads.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** A time for people, in UTC. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function reasonText(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > 1_000) throw new InvalidArgumentError('It must have 1 to 1000 characters.');
  return reason;
}
