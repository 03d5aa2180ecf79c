/**
 * Carries one command through its six phases (ProFTPD's order and return words) and makes its one final reply:
 *
 *   login gate, PRE_CMD, CMD, then POST_CMD and LOG_CMD after success, POST_CMD_ERR and LOG_CMD_ERR after failure.
 *
 * Behind CMD the modules with `onAcknowledge` are asked whether success may be told at all. Guards fail closed, observers
 * fail open. Nothing is acknowledged before it has been logged, because the reply is handed back only behind the LOG phases.
 */
import { aside } from '../lib/aside.ts';
import { AssertionFailed } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { isPromise } from '../lib/is-promise.ts';
import type { Reply } from '../protocol/reply.ts';
import { isPositive, reply } from '../protocol/reply.ts';
import type { CommandContext, CommandDefinition, Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Errored, Phase, Request, Result } from '../spi/module.ts';
import type { SessionChange } from '../spi/session.ts';
import { HANDLER_TIMEOUT_MS } from './module-hooks.ts';
import { checkedOutcome, checkedReply } from './outcome-check.ts';
import type { PhaseTable, Placed } from './phase-table.ts';
import { Chains } from './response-chains.ts';

/** What the client reads when the mistake is ours, or a module's. */
const LOCAL = reply(new Fault('Local').code, new Fault('Local').text);

/** What came of a command. */
export interface Completion {
  readonly reply: Reply;
  readonly change: SessionChange | undefined;
}

/** A command to be carried out; `argument` may be secret, `shownArgument` is what handlers of modules see of it. */
export interface Dispatch {
  readonly command: CommandDefinition;
  readonly context: CommandContext;
  readonly argument: string;
  readonly shownArgument: string;
  /** What the command has noted for the log so far. */
  readonly notes: Readonly<Record<string, unknown>>;
}

/** Carries a command through its phases. Never throws: whatever goes wrong becomes the reply. */
export async function dispatch(table: PhaseTable, call: Dispatch): Promise<Completion> {
  try {
    return await carry(table, call);
  } catch (error) {
    // Each step catches what it calls. What comes here has broken even that, and with it what the session believes.
    aside(
      () => call.context.log.error('command.bug', { error }),
      () => undefined,
    );
    return { reply: LOCAL, change: { kind: 'Close' } };
  }
}

async function carry(table: PhaseTable, call: Dispatch): Promise<Completion> {
  const { command, context, notes } = call;
  const chains = new Chains();
  const request: Request = { traits: command, argument: call.shownArgument, context, respond: chains };
  const startMs = context.clock.monotonicMs();
  const durationMs = () => context.clock.monotonicMs() - startMs;
  const acted = await settle(() => act(table, call, request), context.log);
  const resultOf = ({ outcome: { reply: answer, change, refusedBy }, cause }: Settled): Result => ({
    ...{ reply: answer, cause, change, refusedBy, durationMs: durationMs(), notes },
  });
  const settled = await acknowledged(table, request, acted, resultOf);
  const { outcome } = settled;
  const result = (answer: Reply): Result => ({ ...resultOf(settled), reply: answer });

  chains.commandDone();
  const succeeded = isPositive(outcome.reply);
  for (const placed of table.chain(succeeded ? 'POST_CMD' : 'POST_CMD_ERR', command)) {
    await observe(placed, context, async () => {
      const answer = await inTime(placed, context.clock, () => placed.handler.handle(request, result(outcome.reply)));
      const refused = answer.word === 'DECLINED' ? undefined : errorOf(placed, answer);
      if (refused === undefined) return;
      // Behind success there is nothing left to refuse; behind failure the client reads what a handler adds.
      if (succeeded) throw new Error(refused.lines.join(' '));
      chains.addError(...refused.lines);
    });
  }

  const sealed = result(chains.around(outcome.reply));
  chains.seal();
  for (const placed of table.chain(succeeded ? 'LOG_CMD' : 'LOG_CMD_ERR', command)) {
    const logging = observe(placed, context, () =>
      inTime(placed, context.clock, () => placed.handler.handle(request, sealed)),
    );
    if (logging !== undefined) await logging;
  }
  return { reply: sealed.reply, change: outcome.change };
}

/** The login gate, the guards, then whoever handles the command first. @throws Fault to refuse. */
async function act(table: PhaseTable, call: Dispatch, request: Request): Promise<Acted> {
  const { command, context } = call;
  if (command.who === 'members' && context.session.login.state !== 'LoggedIn') throw new Fault('NotLoggedIn');
  for (const placed of table.chain('PRE_CMD', command)) {
    const given = inTime(placed, context.clock, () => placed.handler.handle(request));
    const answer = isPromise(given) ? await given : given;
    if (answer.word !== 'DECLINED') return { reply: errorOf(placed, answer), refusedBy: placed.module };
  }
  for (const placed of table.chain('CMD', command)) {
    const answer = await placed.handler.handle(request);
    if (answer.word === 'HANDLED') return checkedOutcome(answer.outcome, nameOf(placed));
    if (answer.word !== 'DECLINED') return { reply: errorOf(placed, answer) };
  }
  return checkedOutcome(await command.run(context, call.argument), `the command ${command.verb}`);
}

/**
 * The reply of an ERROR. Types let nothing else come here; code that was not type-checked may have said HANDLED where
 * there is nothing to handle, or have called success an error.
 *
 * @throws TypeError when it broke its contract: a guard so stays shut, and an observer is reported.
 */
function errorOf(placed: Placed<Phase>, answer: Errored): Reply {
  if (answer.word === 'ERROR') return checkedReply(answer.reply, 'failure', `the ERROR of ${nameOf(placed)}`);
  const may = placed.handler.phase === 'CMD' ? 'decline, handle or refuse' : 'decline or refuse';
  throw new TypeError(`${nameOf(placed)} may only ${may}`);
}

function nameOf({ module, handler }: Placed<Phase>): string {
  return `the ${handler.phase} handler of ${module} for ${handler.verb}`;
}

/**
 * What may be told of what was done: what it came to, unless a guard of replies refuses. Then a success is none, and with
 * it what it would have changed in the session; what was done to files is done.
 */
async function acknowledged(
  { acknowledging }: PhaseTable,
  request: Request,
  acted: Settled,
  resultOf: (settled: Settled) => Result,
): Promise<Settled> {
  const { clock, log } = request.context;
  let settled = acted;
  for (const module of acknowledging) {
    try {
      const name = () => `onAcknowledge of ${module.name}`;
      await withinTime(name, clock, () => module.onAcknowledge?.(request, resultOf(settled)));
    } catch (error) {
      log.error('module.failed', { module: module.name, hook: 'onAcknowledge', error });
      if (!isPositive(settled.outcome.reply)) continue;
      const { code, text } = error instanceof Fault ? error : new Fault('Local');
      settled = { outcome: { reply: reply(code, text) }, cause: error };
    }
  }
  return settled;
}

/** An outcome, and who refused the command before it could do anything. */
interface Acted extends Outcome {
  readonly refusedBy?: string;
}

/** What a command came to. */
interface Settled {
  readonly outcome: Acted;
  readonly cause: unknown;
}

/** The outcome of `attempt`, or the reply for what it threw. */
async function settle(attempt: () => Promise<Acted>, log: Log): Promise<Settled> {
  try {
    return { outcome: await attempt(), cause: undefined };
  } catch (error) {
    if (error instanceof Fault) return { outcome: { reply: reply(error.code, error.text) }, cause: error };
    log.error('command.bug', { error });
    // After a broken assertion nothing the session believes can be trusted.
    const broken = error instanceof AssertionFailed;
    return { outcome: broken ? { reply: LOCAL, change: { kind: 'Close' } } : { reply: LOCAL }, cause: error };
  }
}

/**
 * Calls an observer; what it throws, and that it hangs, is logged and changes nothing. Undefined when it is done already, as
 * most are: waiting for each of them would cost more than they do.
 */
function observe(placed: Placed<Phase>, { log }: CommandContext, call: () => unknown): Promise<void> | undefined {
  const failed = (error: unknown) =>
    log.error('module.failed', { module: placed.module, phase: placed.handler.phase, error });
  try {
    const observing = call();
    if (isPromise(observing)) return Promise.resolve(observing).then(() => undefined, failed);
  } catch (error) {
    failed(error);
  }
  return undefined;
}

/** The handler's answer, at once or later. @throws Error when it takes too long. */
function inTime<T>(placed: Placed<Phase>, clock: Clock, call: () => Promise<T> | T): Promise<T> | T {
  return withinTime(() => nameOf(placed), clock, call);
}

function withinTime<T>(name: () => string, clock: Clock, call: () => Promise<T> | T): Promise<T> | T {
  const answer = call();
  // Most handlers answer at once, and a timer for each of them would cost more than they do.
  if (!isPromise(answer)) return answer;
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(HANDLER_TIMEOUT_MS, () =>
      reject(new Error(`${name()} took longer than ${HANDLER_TIMEOUT_MS} ms`)),
    );
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
