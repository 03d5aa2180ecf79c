/** The calls of modules that are no phases: guards of connections and logins, and who is told that a session is over. */
import { aside } from '../lib/aside.ts';
import type { Clock } from '../lib/clock.ts';
import { deadline, within } from '../lib/deadline.ts';
import { isPromise } from '../lib/is-promise.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';

/** A guard that has not answered by then has refused; an observer that has not is no longer waited for. */
export const HANDLER_TIMEOUT_MS = 10_000;

/** What guards are asked with. */
export interface Asking {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when whom they judge is gone. */
  readonly signal: AbortSignal;
}

/**
 * Asks a guard, and waits for it a bounded time.
 *
 * @throws Fault what it refuses with; of the kind `otherwise` when it fails in any other way, which is logged; the reason
 *   of the signal as soon as that aborts.
 */
export async function askGuard(
  module: Module,
  hook: 'onConnect' | 'onLogin',
  call: () => unknown,
  { clock, log, signal, otherwise }: Asking & { readonly otherwise: FaultKind },
): Promise<void> {
  signal.throwIfAborted();
  try {
    const said = call();
    // Most guards answer at once, and a deadline for each of them would cost more than they do.
    const answer = isPromise(said) ? await inTime(said, clock, signal) : said;
    if (meansNo(answer)) throw new TypeError(`${hook} refuses by throwing a Fault, not by what it returns`);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Fault) throw error;
    log.error('module.failed', { module: module.name, hook, error });
    throw new Fault(otherwise, { cause: error });
  }
  // Who left in the meantime is let in by nobody.
  signal.throwIfAborted();
}

async function inTime(answer: PromiseLike<unknown>, clock: Clock, signal: AbortSignal): Promise<unknown> {
  using bounded = deadline(clock, HANDLER_TIMEOUT_MS, signal);
  // Whose signal has aborted by now is not waited for, and a refusal that comes later must not end the process.
  Promise.resolve(answer).catch(() => undefined);
  return await within(bounded.signal, () => answer);
}

/** Tells a module that a session is over, and waits for nothing. What it throws, now or later, is logged. */
export function tellDisconnect(module: Module, session: Session, log: Log): void {
  aside(
    () => module.onDisconnect?.(session),
    (error) => log.error('module.failed', { module: module.name, hook: 'onDisconnect', error }),
  );
}

/** Tells a module that a connection was turned away. What it throws is logged. */
export function tellRefused(
  module: Module,
  session: Session,
  { cause, log }: { readonly cause: unknown; readonly log: Log },
): void {
  aside(
    () => module.onRefused?.(session, cause),
    (error) => log.error('module.failed', { module: module.name, hook: 'onRefused', error }),
  );
}

/** Tells the modules of an attack, and the log first. What they throw is logged. */
export function tellAttack(modules: readonly Module[], session: Session, what: string, log: Log): void {
  log.warn('attack', { what });
  for (const module of modules) {
    aside(
      () => module.onAttack?.(session, what),
      (error) => log.error('module.failed', { module: module.name, hook: 'onAttack', error }),
    );
  }
}

/** Types let a guard return nothing; code that was not type-checked may mean a refusal by what it returns. */
function meansNo(answer: unknown): boolean {
  return answer === false || (typeof answer === 'object' && answer !== null && Reflect.get(answer, 'word') === 'ERROR');
}
