/** What a server has used: CPU and memory of a process and of all that it has begun, its children that have ended included. */
import { readdirSync, readFileSync } from 'node:fs';

/** What it amounts to at one moment. */
export interface Usage {
  /** User and system time, in seconds. */
  readonly cpuSeconds: number;
  /** Proportional resident memory, in KiB: pages that several processes share count for each of them in part. */
  readonly memoryKiB: number;
  readonly processes: number;
}

/** Clock ticks a second, which Linux gives to every program as 100. */
const TICKS = 100;

/** Looks at a process and everything below it. */
export function usageOf(pid: number): Usage {
  const tree = treeOf(pid);
  const ticks = tree.reduce((sum, each) => sum + (statOf(each)?.ticks ?? 0), 0);
  const memoryKiB = tree.reduce((sum, each) => sum + proportionalKiB(each), 0);
  return { cpuSeconds: ticks / TICKS, memoryKiB, processes: tree.length };
}

/** The CPU of it alone, in seconds: reading the memory of thousands of sessions takes the kernel longer than what is to be measured. */
export function cpuSecondsOf(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + (statOf(each)?.ticks ?? 0), 0) / TICKS;
}

/** The process and everything that it has begun and that lives. */
export function treeOf(pid: number): readonly number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const child = Number(name);
    const stat = Number.isInteger(child) ? statOf(child) : undefined;
    if (stat !== undefined) parents.set(stat.parent, [...(parents.get(stat.parent) ?? []), child]);
  }
  const tree = [pid];
  for (const each of tree) tree.push(...(parents.get(each) ?? []));
  return tree;
}

function statOf(pid: number): { readonly parent: number; readonly ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; what is counted stands behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
    return { parent: Number(fields[1]), ticks: (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0) };
  } catch {
    return undefined;
  }
}

function proportionalKiB(pid: number): number {
  try {
    return Number(/^Pss:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
