/** Asking gates: side by side, each within its own time, and closed to everything that is not a plain "pass". */
import type { Clock } from '../../lib/clock.ts';
import { deadline, within } from '../../lib/deadline.ts';
import type { Gate, GateItem, GateOutcome, GateVerdict } from '../../spi/gate.ts';
import type { Log } from '../../spi/log.ts';

/** What all gates together say. */
export interface GatesVerdict {
  readonly verdict: 'pass' | 'refuse' | 'failed';
  /** What each gate said that came to an answer, in the order of the configuration. */
  readonly outcomes: readonly GateOutcome[];
  /** Why it is not published: for log, quarantine and receipt. */
  readonly reason: string | undefined;
  /** What the client may read of it. */
  readonly told: string | undefined;
}

/** What gates are asked with. */
export interface GateRunParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** The item as this gate sees it: the content is its own. */
  itemFor(gate: Gate, signal: AbortSignal): GateItem;
  /** When the file has arrived whole, from which on deadlines count; at once by default. */
  readonly arrived?: Promise<unknown>;
  /** Told when a gate has come to an end, whatever it was. */
  ended?(gate: string): void;
}

/** What one gate came to. */
interface Ended {
  readonly outcome: GateOutcome;
  readonly told?: string | undefined;
}

/** Gates by their names; one that there is not fails. */
export function gatesNamed(names: readonly string[], gates: ReadonlyMap<string, Gate>): readonly Gate[] {
  return [...new Set(names)].map((name) => gates.get(name) ?? missing(name));
}

/**
 * Asks every gate at once. The first refusal decides and has the others aborted; otherwise all of them are waited for, so
 * that one that failed does not hide a refusal. Resolves within the longest of their deadlines. Never throws.
 */
export async function runGates(gates: readonly Gate[], parts: GateRunParts): Promise<GatesVerdict> {
  const stop = new AbortController();
  const signal = AbortSignal.any([parts.signal, stop.signal]);
  const ended = new Map<Gate, Ended>();
  const refused = Promise.withResolvers<void>();
  const all = gates.map(async (gate) => {
    const end = await ask(gate, parts, signal);
    // What is aborted because another one refused has not said anything.
    if (stop.signal.aborted && end.outcome.verdict === 'failed') return;
    ended.set(gate, end);
    if (end.outcome.verdict === 'refuse') refused.resolve();
  });
  await Promise.race([Promise.all(all), refused.promise]);
  stop.abort(new Error('another gate has refused'));
  return judged(gates.flatMap((gate) => ended.get(gate) ?? []));
}

function judged(ended: readonly Ended[]): GatesVerdict {
  const outcomes = ended.map(({ outcome }) => outcome);
  const decides =
    ended.find(({ outcome }) => outcome.verdict === 'refuse') ??
    ended.find(({ outcome }) => outcome.verdict === 'failed');
  if (decides === undefined) return { verdict: 'pass', outcomes, reason: undefined, told: undefined };
  const { gate, verdict, detail } = decides.outcome;
  const words = verdict === 'refuse' ? 'refused by' : 'not checked by';
  return { verdict, outcomes, reason: `${words} ${gate}: ${detail ?? ''}`, told: decides.told };
}

async function ask(gate: Gate, parts: GateRunParts, outer: AbortSignal): Promise<Ended> {
  const { clock, log, arrived } = parts;
  const startMs = clock.monotonicMs();
  const outcome = (verdict: GateOutcome['verdict'], detail: string | undefined): GateOutcome => {
    return { gate: gate.name, verdict, detail, durationMs: clock.monotonicMs() - startMs };
  };
  try {
    const answer = await answerOf(gate, parts, { outer, arrived });
    if (answer.verdict === 'pass') return { outcome: outcome('pass', optionalText(answer.detail)) };
    if (answer.verdict !== 'refuse') throw new TypeError('it said neither pass nor refuse');
    return { outcome: outcome('refuse', String(answer.reason)), told: optionalText(answer.told) };
  } catch (error) {
    if (!outer.aborted) log.warn('intake.gate_failed', { gate: gate.name, error });
    return { outcome: outcome('failed', error instanceof Error ? error.message : String(error)) };
  } finally {
    parts.ended?.(gate.name);
  }
}

/** The gate's answer within its time, which begins with the arrival of the file. */
async function answerOf(
  gate: Gate,
  parts: GateRunParts,
  { outer, arrived }: { readonly outer: AbortSignal; readonly arrived: Promise<unknown> | undefined },
): Promise<GateVerdict> {
  const late = new AbortController();
  const signal = AbortSignal.any([outer, late.signal]);
  let timer: Disposable | undefined;
  let isOver = false;
  const begin = () => {
    if (isOver) return;
    const limit = deadline(parts.clock, gate.deadlineMs, outer);
    limit.signal.addEventListener('abort', () => late.abort(limit.signal.reason), { once: true });
    timer = limit;
  };
  if (arrived === undefined) begin();
  // An upload that does not arrive aborts the run.
  else void arrived.then(begin, () => undefined);
  try {
    return await within(signal, () => gate.inspect(parts.itemFor(gate, signal), signal));
  } finally {
    isOver = true;
    timer?.[Symbol.dispose]();
    // A gate that does not listen is not fed any longer.
    late.abort(new Error('the gate is not waited for any more'));
  }
}

/** Code that was not type-checked may give anything. */
function optionalText(text: unknown): string | undefined {
  return text === undefined ? undefined : String(text);
}

/** The configuration names it and nobody brought it: nothing passes. */
function missing(name: string): Gate {
  return {
    name,
    deadlineMs: 1_000,
    inspect: () => Promise.reject(new Error('there is no gate of this name')),
  };
}
