/** What `sallyport serve` does at SIGHUP: reads again what may change while it runs, and says what of the rest is wrong or new. */

import { toSnakeCase } from '../config/key-names.ts';
import { loadConfig } from '../config/load.ts';
import type { GatewayOptions } from '../config/options.ts';
import { formatProblem } from '../config/problem.ts';
import { printable } from '../lib/printable.ts';
import type { Gateway } from '../server/gateway-parts.ts';
import type { ReloadedPart } from '../server/reload.ts';
import { coalesced } from './coalesced.ts';
import type { Terminal } from './terminal.ts';

/** What runs. */
export interface Served {
  readonly gateway: Pick<Gateway, 'reload'>;
  /** The options with which it runs. */
  options(): GatewayOptions;
  /** The configuration; undefined when there is no file. */
  readonly configFile: string | undefined;
}

/** Reloads at each SIGHUP, one after the other, until the returned function is called. */
export function reloadAtSignal(served: Served, terminal: Terminal): () => void {
  return terminal.onReloadSignal(
    coalesced(async () => {
      terminal.stderr.write(await reloaded(served));
    }),
  );
}

/** Reloads. @returns what to tell the operator; never throws. */
async function reloaded({ gateway, options, configFile }: Served): Promise<string> {
  try {
    const checked = configFile === undefined ? '' : await checkedAgain(configFile, options());
    return checked + (await gateway.reload()).map(told).join('');
  } catch (error) {
    return `Reload failed: ${printable(error instanceof Error ? error.message : String(error))}\n`;
  }
}

/** The mistakes of the configuration as it is now, or what of it waits for the next start. */
async function checkedAgain(configFile: string, running: GatewayOptions): Promise<string> {
  const loaded = await loadConfig(configFile);
  if (!loaded.ok) {
    const lines = loaded.problems.map((problem) => `${formatProblem(problem)}\n`).join('');
    return `${lines}${configFile} has mistakes: it could not be started again with them.\n`;
  }
  const warnings = loaded.warnings.map((problem) => `${formatProblem(problem)}\n`).join('');
  const changed = changedKeys(running, loaded.options);
  const later = changed.length === 0 ? '' : `Changes of ${changed.join(', ')} are in force from the next start on.\n`;
  return warnings + later;
}

/** The outermost keys whose values differ. */
function changedKeys(before: GatewayOptions, after: GatewayOptions): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const text = (options: GatewayOptions, key: string) => JSON.stringify(Reflect.get(options, key));
  return [...keys].filter((key) => text(before, key) !== text(after, key)).map(toSnakeCase);
}

function told(reloadedPart: ReloadedPart): string {
  const { part, outcome } = reloadedPart;
  if (outcome !== 'refused') return `Reload: ${part} ${outcome}.\n`;
  return `Reload: ${part} refused, what was in force stays: ${printable(reloadedPart.reason.replaceAll('\n', '; '))}\n`;
}
