/** From what a load reports to the figures of tables. */
import type { Measured } from './load.ts';
import type { Figures } from './measure.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Of a transfer of large files: what a byte costs. */
export function byteFigures({ serverCpu, clientCpu, bytes, seconds }: Measured): Figures {
  const perGiB = (cpuSeconds: number) => cpuSeconds / (bytes / GIB);
  return { cpuPerGiB: perGiB(serverCpu), mibPerSecond: bytes / MIB / seconds, clientCpuPerGiB: perGiB(clientCpu) };
}

/** Of many small operations: what one costs. */
export function operationFigures({ serverCpu, operations, seconds, p99, resumed }: Measured): Figures {
  return {
    cpuMs: (1_000 * serverCpu) / operations,
    perSecond: operations / seconds,
    p99Ms: 1_000 * p99,
    resumedShare: resumed / operations,
  };
}
