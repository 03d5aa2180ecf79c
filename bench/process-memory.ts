/** The most memory that a server has had meanwhile, as the kernel keeps it for each process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { treeOf } from './process-tree.ts';

/** Forgets what was the most so far, so that what follows counts alone. @throws Error where that is not allowed. */
export function forgetPeak(pid: number): void {
  for (const each of treeOf(pid)) writeFileSync(`/proc/${each}/clear_refs`, '5');
}

/** What is resident now, in KiB. Pages that processes share count for each of them. */
export function residentKiB(pid: number): number {
  return sum(pid, 'VmRSS');
}

/** The most that was resident since `forgetPeak`, in KiB; of several processes the sum of what each had at its own worst moment. */
export function peakKiB(pid: number): number {
  return sum(pid, 'VmHWM');
}

function sum(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return treeOf(pid).reduce((total, each) => total + kibOf(each, field), 0);
}

function kibOf(pid: number, field: string): number {
  try {
    return Number(
      new RegExp(`^${field}:\\s+([0-9]+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0,
    );
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}
