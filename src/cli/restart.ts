/** What `sallyport serve` does at SIGUSR2: reads the configuration anew and has new workers serve it, with no connection refused. */

import { toSnakeCase } from '../config/key-names.ts';
import { loadConfig } from '../config/load.ts';
import type { GatewayOptions } from '../config/options.ts';
import { formatProblem } from '../config/problem.ts';
import { printable } from '../lib/printable.ts';
import { coalesced } from './coalesced.ts';
import type { ServingGateway } from './serving-gateway.ts';
import type { Terminal } from './terminal.ts';

/** What runs. */
export interface Restarted {
  readonly gateway: Pick<ServingGateway, 'renew' | 'workers'>;
  /** The configuration; undefined when there is no file. */
  readonly configFile: string | undefined;
  /** Told of the options that are in force from now on. */
  renewed(options: GatewayOptions): void;
}

/** Restarts at each SIGUSR2, one after the other, until the returned function is called. */
export function restartAtSignal(restarted: Restarted, terminal: Terminal): () => void {
  return terminal.onRestartSignal(
    coalesced(async () => {
      terminal.stderr.write(await restart(restarted));
    }),
  );
}

/** @returns what to tell the operator; never throws. */
async function restart({ gateway, configFile, renewed }: Restarted): Promise<string> {
  if (gateway.renew === undefined || configFile === undefined) return NO_WORKERS;
  try {
    const loaded = await loadConfig(configFile);
    if (!loaded.ok) {
      const lines = loaded.problems.map((problem) => `${formatProblem(problem)}\n`).join('');
      return `${lines}${configFile} has mistakes: the workers that run stay.\n`;
    }
    const warnings = loaded.warnings.map((problem) => `${formatProblem(problem)}\n`).join('');
    const later = await gateway.renew(loaded);
    renewed(loaded.options);
    return `${warnings}Restart: new workers serve ${configFile}; sessions go on with the old ones.\n${laterText(later)}`;
  } catch (error) {
    const why = printable(error instanceof Error ? error.message : String(error));
    return `Restart failed, the workers that run stay: ${why}\n`;
  }
}

function laterText(later: readonly string[]): string {
  if (later.length === 0) return '';
  return `Changes of ${later.map(toSnakeCase).join(', ')} are in force from the next start on.\n`;
}

const NO_WORKERS = 'Restart: there are no workers to be replaced; one process serves all sessions (see workers).\n';
