/**
 * The contract of a gate: a check that a file passes between its arrival and its publication. Gates are asked side by
 * side and fail closed: one that throws, or does not answer in time, keeps the file from being published.
 */
import type { VirtualPath } from '../protocol/virtual-path.ts';

/** A file that waits between the doors. */
export interface GateItem {
  /** The upload's id, as in log and quarantine. */
  readonly id: string;
  readonly account: string;
  /** Where it would be published. */
  readonly path: VirtualPath;
  /** The client's address; undefined when the file was checked again behind a restart. */
  readonly address: string | undefined;
  /**
   * Size and SHA-256, once it has arrived whole. A file that is encrypted for somebody else is checked while it arrives, for
   * afterwards nobody here can read it; every other one is checked behind its arrival.
   */
  readonly arrived: Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Where it lies on this machine's disk; undefined when storage keeps files elsewhere, or what lies there is encrypted. */
  readonly onDisk: string | undefined;
  /** The bytes, as they were sent. To be read at most once, by this gate alone; it need not be read at all. */
  readonly content: AsyncIterable<Buffer>;
}

/** What a gate says of a file. */
export type GateVerdict =
  | { readonly verdict: 'pass'; readonly detail?: string | undefined }
  /** The file must not be published. `reason` is for log, quarantine and receipt; `told` may tell the client more than that. */
  | { readonly verdict: 'refuse'; readonly reason: string; readonly told?: string | undefined };

/** A check of files. */
export interface Gate {
  /** Its name in configuration, records and receipts. */
  readonly name: string;
  /** How long it may take, in milliseconds, counted from the file's arrival. */
  readonly deadlineMs: number;
  /**
   * Looks at one file. A throw means that it could not be checked, which is not the same as a refusal: a client may come
   * again. The signal aborts when nobody waits for the answer any more.
   */
  inspect(item: GateItem, signal: AbortSignal): Promise<GateVerdict>;
}

/** What a gate said of one file, as it is written into record and receipt. */
export interface GateOutcome {
  readonly gate: string;
  /** `failed`: it threw or was late. */
  readonly verdict: 'pass' | 'refuse' | 'failed';
  readonly detail: string | undefined;
  readonly durationMs: number;
}

/** Makes a gate out of its description. @throws TypeError when code that was not type-checked describes none. */
export function defineGate(gate: Gate): Gate {
  const mistake = gateMistake(gate);
  if (mistake !== undefined) throw new TypeError(mistake);
  return gate;
}

/** What is wrong with a gate, whoever made it; undefined when nothing is. */
export function gateMistake(gate: Gate): string | undefined {
  const { name, deadlineMs, inspect }: { name?: unknown; deadlineMs?: unknown; inspect?: unknown } = gate ?? {};
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) {
    return `a gate's name must be 1 to 64 small letters, digits, - and _, not '${String(name)}'`;
  }
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0 && deadlineMs <= 86_400_000)) {
    return `gate ${name}: its deadline must be 1 to 86,400,000 ms`;
  }
  return typeof inspect === 'function' ? undefined : `gate ${name}: its inspect is no function`;
}
