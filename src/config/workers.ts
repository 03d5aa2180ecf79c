/** How many processes serve sessions, and what of a configuration leaves no choice but one. */
import type { UserOptions } from '../auth/users.ts';
import type { KeyPath } from './key-names.ts';
import type { GatewayOptions } from './options.ts';
import { intakesIn } from './part-names.ts';
import type { Finding } from './reality.ts';
import { WORKERS_MAX } from './workers-option.ts';

/** How many workers there are, and why not as many as was asked for. */
export interface WorkerCount {
  readonly count: number;
  /** For the operator: what in the configuration needs one process, where `auto` would have been more. */
  readonly because?: string;
}

/** The number of processes that serve; `accounts` are those of all files, `cores` what `auto` stands for. */
export function workerCount(
  { options, accounts }: { readonly options: GatewayOptions; readonly accounts: readonly UserOptions[] },
  cores: number,
): WorkerCount {
  const { workers } = options;
  if (workers !== 'auto') return { count: workers };
  const count = Math.max(1, Math.min(cores, WORKERS_MAX));
  const [first] = [...needsOneProcess(options), ...needsOneProcess({ users: accounts })];
  return count === 1 || first === undefined ? { count } : { count: 1, because: `${first.what} ${NEEDS_ONE}` };
}

/** Mistakes: what a number of workers above 1 cannot be together with. The value need not be valid otherwise. */
export function workerFindings(value: unknown, workers: unknown = workersIn(value)): Finding[] {
  if (typeof workers !== 'number' || workers <= 1) return [];
  return needsOneProcess(value).map(({ path }) => ({
    path,
    message: `${NEEDS_ONE}, and workers is ${workers}: let workers be 1, or auto, which is 1 then`,
  }));
}

/** Whether files may have to be kept by what a configuration or its accounts say: workers then have to know before each change. */
export function asksForRetention(...values: readonly unknown[]): boolean {
  return values.some((value) => intakesIn(value).some(({ intake }) => intake.retainDays !== undefined));
}

/** The number that a configuration says, whatever else is wrong with it. */
export function workersIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, 'workers') : undefined;
}

const NEEDS_ONE = 'needs all sessions in one process';

interface Need {
  readonly path: KeyPath;
  /** In the operator's words. */
  readonly what: string;
}

function needsOneProcess(value: unknown): Need[] {
  return runAsUser(value, []);
}

/**
 * Accounts whose files are reached by a process of the user: that knows the uploads which run there, and a second one beside it would
 * take them for what a crash left behind.
 */
function runAsUser(value: unknown, path: KeyPath): Need[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return entries.flatMap(([key, inner]) =>
    key === 'runAs' && inner === 'user'
      ? [{ path: [...path, key], what: 'run_as: user' }]
      : runAsUser(inner, [...path, key]),
  );
}
