/**
 * Carries one command through its six phases (ProFTPD's order and return words) and makes its one final reply:
 *
 *   login gate, PRE_CMD, CMD, then POST_CMD and LOG_CMD after success, POST_CMD_ERR and LOG_CMD_ERR after failure.
 *
 * Guards fail closed, observers fail open. Nothing is acknowledged before it has been logged, because the reply is
 * handed back only behind the LOG phases.
 */
import { AssertionFailed } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import type { Reply } from '../protocol/reply.ts';
import { isPositive, reply } from '../protocol/reply.ts';
import type { CommandContext, CommandDefinition, Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Declined, Errored, Phase, Request, Result } from '../spi/module.ts';
import type { SessionChange } from '../spi/session.ts';
import type { PhaseTable, Placed } from './phase-table.ts';

/** A guard that has not answered by then has refused. */
const GUARD_TIMEOUT_MS = 10_000;

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
  const { command, context, notes } = call;
  const request: Request = { traits: command, argument: call.shownArgument, context };
  const startMs = context.clock.monotonicMs();
  const ended = await settle(() => act(table, call, request), context.log);
  const result = (final: Reply): Result => ({
    reply: final,
    cause: ended.cause,
    durationMs: context.clock.monotonicMs() - startMs,
    notes,
  });

  if (isPositive(ended.outcome.reply)) {
    const sealed = result(ended.outcome.reply);
    for (const placed of table.chain('POST_CMD', command)) {
      await observe(placed, context.log, async () => {
        const answer = await placed.handler.handle(request, sealed);
        if (answer.word === 'ERROR') throw new Error(answer.reply.lines.join(' '));
      });
    }
    for (const placed of table.chain('LOG_CMD', command)) {
      await observe(placed, context.log, () => placed.handler.handle(request, sealed));
    }
    return { reply: sealed.reply, change: ended.outcome.change };
  }

  const sealed = result(await addedTo(ended.outcome.reply, table, command, request, result));
  for (const placed of table.chain('LOG_CMD_ERR', command)) {
    await observe(placed, context.log, () => placed.handler.handle(request, sealed));
  }
  return { reply: sealed.reply, change: ended.outcome.change };
}

/** The login gate, the guards, then whoever handles the command first. @throws Fault to refuse. */
async function act(table: PhaseTable, call: Dispatch, request: Request): Promise<Outcome> {
  const { command, context } = call;
  if (command.who === 'members' && context.session.login.state !== 'LoggedIn') throw new Fault('NotLoggedIn');
  for (const placed of table.chain('PRE_CMD', command)) {
    const answer = await withDeadline(context.clock, () => placed.handler.handle(request));
    if (answer.word !== 'DECLINED') return { reply: refusal(placed, answer) };
  }
  for (const { handler } of table.chain('CMD', command)) {
    const answer = await handler.handle(request);
    if (answer.word === 'HANDLED') return answer.outcome;
    if (answer.word === 'ERROR') return { reply: answer.reply };
  }
  return command.run(context, call.argument);
}

/** Only ERROR ends PRE_CMD; untyped code that says anything else has broken its contract, and the guard stays shut. */
function refusal(placed: Placed<Phase>, answer: Declined | Errored): Reply {
  if (answer.word === 'ERROR') return answer.reply;
  throw new Fault('Local', { cause: new Error(`${placed.module}: a PRE_CMD handler may only decline or refuse`) });
}

/** The outcome of `attempt`, or the reply for what it threw. */
async function settle(
  attempt: () => Promise<Outcome>,
  log: Log,
): Promise<{ readonly outcome: Outcome; readonly cause: unknown }> {
  try {
    return { outcome: await attempt(), cause: undefined };
  } catch (error) {
    if (error instanceof Fault) return { outcome: { reply: reply(error.code, error.text) }, cause: error };
    log.error('command.bug', { error });
    const fault = new Fault('Local', { cause: error });
    const outcome: Outcome = { reply: reply(fault.code, fault.text) };
    // After a broken assertion nothing the session believes can be trusted.
    return {
      outcome: error instanceof AssertionFailed ? { ...outcome, change: { kind: 'Close' } } : outcome,
      cause: error,
    };
  }
}

/** The error reply with the lines that POST_CMD_ERR handlers add to it. */
async function addedTo(
  failure: Reply,
  table: PhaseTable,
  command: CommandDefinition,
  request: Request,
  result: (reply: Reply) => Result,
): Promise<Reply> {
  let final = failure;
  for (const placed of table.chain('POST_CMD_ERR', command)) {
    await observe(placed, request.context.log, async () => {
      const answer = await placed.handler.handle(request, result(final));
      if (answer.word === 'ERROR') final = reply(failure.code, ...final.lines, ...answer.reply.lines);
    });
  }
  return final;
}

/** Calls an observer; what it throws is logged and changes nothing. */
async function observe(placed: Placed<Phase>, log: Log, call: () => Promise<void> | void): Promise<void> {
  try {
    await call();
  } catch (error) {
    log.error('module.failed', { module: placed.module, phase: placed.handler.phase, error });
  }
}

/** The guard's answer. @throws Fault `Local` when it takes too long. */
async function withDeadline<T>(clock: Clock, guard: () => Promise<T> | T): Promise<T> {
  const answer = guard();
  if (!(answer instanceof Promise)) return answer;
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(GUARD_TIMEOUT_MS, () =>
      reject(new Fault('Local', { cause: new Error(`a guard took longer than ${GUARD_TIMEOUT_MS} ms`) })),
    );
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
