/** The gateway that `serve` runs: in this process, or served by workers, as the configuration says. */
import { availableParallelism } from 'node:os';
import { workerCount } from '../config/workers.ts';
import { gatewayInOneProcess } from '../server/gateway.ts';
import type { Gateway } from '../server/gateway-parts.ts';
import { createLogger } from '../server/logger.ts';
import { SupervisedGateway } from '../supervisor/supervised-gateway.ts';
import type { Configuration } from './configuration.ts';
import { openKeyLog } from './key-log.ts';
import type { Terminal } from './terminal.ts';

/** What of a configuration is served. */
export type ServedConfiguration = Pick<Configuration, 'options' | 'modules'> &
  Partial<Pick<Configuration, 'moduleNames' | 'accounts'>>;

/** One of them, as `serve` sees it. */
export interface ServingGateway extends Pick<Gateway, 'start' | 'addresses' | 'metricsAddress' | 'reload' | 'close'> {
  /** How many workers serve; 1 when this process does. */
  readonly workers: number;
  /** Why `auto` is no more than one process, where it is not for want of cores. */
  readonly because: string | undefined;
  /** Rejects when it cannot go on, and is to be closed. */
  readonly failure: Promise<never>;
  /** See `SupervisedGateway.renew`; undefined where there are no workers to be renewed. */
  renew?(configuration: ServedConfiguration): Promise<readonly string[]>;
  /** Gives back what this made for itself. */
  forget(): void;
}

/** Source and compiled program have the same layout. */
const WORKER = new URL(`./worker-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Makes it; nothing is started. @throws as `createGateway`; CommandFailure when the file for secrets of TLS is refused. */
export function servingGateway(
  configuration: ServedConfiguration,
  { tlsKeylog, terminal }: { readonly tlsKeylog: string | undefined; readonly terminal: Terminal },
): ServingGateway {
  const { options, modules, moduleNames = [] } = configuration;
  const { count, because } = countOf(configuration);
  const log = createLogger(options.log, terminal.stdout);
  // Opened here in any case: whether it is refused is to be known before anything is started.
  const keyLog = tlsKeylog === undefined ? undefined : openKeyLog(tlsKeylog);
  const forget = () => keyLog?.close();
  if (count === 1) {
    const gateway = gatewayInOneProcess(options, {
      ...{ modules, log },
      ...(keyLog !== undefined && { tlsKeyLog: keyLog.write }),
    });
    return withExtras(gateway, { workers: 1, because, failure: new Promise<never>(() => undefined), forget });
  }
  const gateway = new SupervisedGateway({ options, modules, moduleNames, count, entry: WORKER, tlsKeylog, log });
  return withExtras(gateway, {
    ...{ workers: count, because, failure: gateway.failure, forget },
    renew: async (next) => {
      const { count: nextCount, because: why } = countOf(next);
      if (nextCount === 1) throw new Error(`workers would be 1${why === undefined ? '' : `, since ${why}`}: ${STOP}`);
      return gateway.renew({ moduleNames: [], ...next, count: nextCount });
    },
  });
}

const STOP = 'that takes another start of the gateway';

function countOf({ options, accounts = [] }: ServedConfiguration) {
  return workerCount({ options, accounts }, availableParallelism());
}

type Extras = Omit<ServingGateway, 'start' | 'addresses' | 'metricsAddress' | 'reload' | 'close'>;

function withExtras(gateway: Omit<ServingGateway, keyof Extras>, extras: Extras): ServingGateway {
  return {
    ...extras,
    start: () => gateway.start(),
    reload: () => gateway.reload(),
    close: (options) => gateway.close(options),
    get addresses() {
      return gateway.addresses;
    },
    get metricsAddress() {
      return gateway.metricsAddress;
    },
  };
}
