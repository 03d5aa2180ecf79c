/** The six phases: who is called after what, and what the client sees of it. */
import { expect, test } from 'vitest';
import { dispatch } from '../../src/engine/dispatch.ts';
import { PhaseTable } from '../../src/engine/phase-table.ts';
import { assert } from '../../src/lib/assert.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import type { CommandContext, Outcome } from '../../src/spi/command.ts';
import { defineCommand } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { Phase, PhaseHandler } from '../../src/spi/module.ts';
import { DECLINED, ERROR, HANDLED } from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';

const REFUSED = ERROR(reply(550, 'No.'));

/** A command whose own handler does `act`, and the modules' handlers around it; the trace says who was called. */
async function run(
  handlers: readonly PhaseHandler[],
  options: { act?: () => Outcome | Promise<Outcome>; who?: 'anyone' | 'members'; context?: CommandContext } = {},
) {
  const trace: string[] = [];
  const command = defineCommand({
    verb: 'TEST',
    class: 'misc',
    who: options.who ?? 'anyone',
    rfc: 'none',
    argument: NOTHING,
    handle: () => {
      trace.push('own');
      return options.act?.() ?? { reply: reply(200, 'Done.') };
    },
  });
  const traced = handlers.map(
    (handler) =>
      ({
        ...handler,
        handle: (...args: Parameters<typeof handler.handle>) => {
          trace.push(`${handler.phase} ${handler.verb}`);
          return Reflect.apply(handler.handle, undefined, args);
        },
      }) as PhaseHandler,
  );
  const table = new PhaseTable([command], [{ name: 'traced', handlers: traced }]);
  const context = options.context ?? contextWith({});
  const call = { command, context, argument: '', shownArgument: '', notes: {} };
  return { completion: await dispatch(table, call), trace };
}

/** One handler on `*` and one on the verb for every phase, all doing nothing. */
function everyPhase(): PhaseHandler[] {
  const verbs = ['TEST', '*'];
  const guards = (['PRE_CMD', 'CMD', 'POST_CMD', 'POST_CMD_ERR'] as const).flatMap((phase) =>
    verbs.map((verb): PhaseHandler => ({ phase, verb, handle: () => DECLINED })),
  );
  const logs = (['LOG_CMD', 'LOG_CMD_ERR'] as const).flatMap((phase) =>
    verbs.map((verb): PhaseHandler => ({ phase, verb, handle: () => undefined })),
  );
  return [...guards, ...logs];
}

/** `everyPhase`, with one handler replaced. */
function with_(replacement: PhaseHandler): PhaseHandler[] {
  return everyPhase().map((handler) =>
    handler.phase === replacement.phase && handler.verb === replacement.verb ? replacement : handler,
  );
}

const ORDER_OF_SUCCESS =
  'PRE_CMD *, PRE_CMD TEST, CMD *, CMD TEST, own, POST_CMD *, POST_CMD TEST, LOG_CMD *, LOG_CMD TEST';
const AFTER_FAILURE = 'POST_CMD_ERR *, POST_CMD_ERR TEST, LOG_CMD_ERR *, LOG_CMD_ERR TEST';

const PATHS: { name: string; handlers: PhaseHandler[]; act?: () => Outcome; trace: string; code: number }[] = [
  { name: 'everyone declines', handlers: everyPhase(), trace: ORDER_OF_SUCCESS, code: 200 },
  {
    name: 'a PRE_CMD handler refuses',
    handlers: with_({ phase: 'PRE_CMD', verb: '*', handle: () => REFUSED }),
    trace: `PRE_CMD *, ${AFTER_FAILURE}`,
    code: 550,
  },
  {
    name: 'a PRE_CMD handler throws',
    handlers: with_({
      phase: 'PRE_CMD',
      verb: 'TEST',
      handle: () => {
        throw new Error('broken guard');
      },
    }),
    trace: `PRE_CMD *, PRE_CMD TEST, ${AFTER_FAILURE}`,
    code: 451,
  },
  {
    name: 'a CMD handler handles',
    handlers: with_({ phase: 'CMD', verb: '*', handle: () => HANDLED(reply(211, 'Mine.')) }),
    trace: 'PRE_CMD *, PRE_CMD TEST, CMD *, POST_CMD *, POST_CMD TEST, LOG_CMD *, LOG_CMD TEST',
    code: 211,
  },
  {
    name: 'a CMD handler refuses',
    handlers: with_({ phase: 'CMD', verb: 'TEST', handle: () => REFUSED }),
    trace: `PRE_CMD *, PRE_CMD TEST, CMD *, CMD TEST, ${AFTER_FAILURE}`,
    code: 550,
  },
  {
    name: 'the command itself fails',
    handlers: everyPhase(),
    act: () => {
      throw new Fault('NoSuchFile');
    },
    trace: `PRE_CMD *, PRE_CMD TEST, CMD *, CMD TEST, own, ${AFTER_FAILURE}`,
    code: 550,
  },
  {
    name: 'a POST_CMD handler refuses too late',
    handlers: with_({ phase: 'POST_CMD', verb: '*', handle: () => REFUSED }),
    trace: ORDER_OF_SUCCESS,
    code: 200,
  },
  {
    name: 'a LOG_CMD handler throws',
    handlers: with_({
      phase: 'LOG_CMD',
      verb: '*',
      handle: () => {
        throw new Error('broken observer');
      },
    }),
    trace: ORDER_OF_SUCCESS,
    code: 200,
  },
];

test.each(PATHS)('$name: the phases run in order and the reply is $code', async ({ handlers, act, trace, code }) => {
  const run_ = await run(handlers, act === undefined ? {} : { act });
  expect(run_.trace.join(', ')).toBe(trace);
  expect(run_.completion.reply.code).toBe(code);
});

test('a members-only command before login is refused before any handler is asked', async () => {
  const { completion, trace } = await run(everyPhase(), { who: 'members' });
  expect(completion.reply.code).toBe(530);
  expect(trace.join(', ')).toBe(AFTER_FAILURE);
});

test('a guard that says HANDLED has broken its contract and refuses the command', async () => {
  const untyped = { phase: 'PRE_CMD', verb: '*', handle: () => HANDLED(reply(200, 'No.')) } as unknown as PhaseHandler;
  const { completion, trace } = await run([untyped]);
  expect(completion.reply.code).toBe(451);
  expect(trace).not.toContain('own');
});

test('a guard that hangs refuses the command when its time is over', async () => {
  const clock = new FakeClock();
  const hanging: PhaseHandler = { phase: 'PRE_CMD', verb: '*', handle: () => new Promise(() => undefined) };
  const running = run([hanging], { context: contextWith({ clock }) });
  await Promise.resolve();
  clock.advance(10_000);
  const { completion, trace } = await running;
  expect(completion.reply.code).toBe(451);
  expect(trace).not.toContain('own');
});

test('lines added in POST_CMD_ERR reach the client, those of the LOG phases do not', async () => {
  const { completion } = await run([
    { phase: 'PRE_CMD', verb: '*', handle: () => REFUSED },
    { phase: 'POST_CMD_ERR', verb: '*', handle: () => ERROR(reply(550, 'Ask your administrator.')) },
    {
      phase: 'LOG_CMD_ERR',
      verb: '*',
      handle: () => {
        throw new Error('never seen');
      },
    },
  ]);
  expect(completion.reply.lines).toEqual(['No.', 'Ask your administrator.']);
});

test('the higher priority is asked first, and equal ones in the order of their modules', async () => {
  const asked: string[] = [];
  const guard = (name: string, priority?: number): PhaseHandler => ({
    phase: 'PRE_CMD',
    verb: '*',
    ...(priority === undefined ? {} : { priority }),
    handle: () => {
      asked.push(name);
      return DECLINED;
    },
  });
  await run([guard('first'), guard('second'), guard('high', 10), guard('low', -10)]);
  expect(asked).toEqual(['high', 'first', 'second', 'low']);
});

test('the client never reads what an unexpected error says, and a broken assertion ends the session', async () => {
  const secret = () => {
    throw new Error('/srv/private: EIO');
  };
  const unexpected = await run([], { act: secret });
  expect(unexpected.completion).toEqual({ reply: reply(451, 'Local error in processing.'), change: undefined });
  const broken = await run([], {
    act: () => {
      assert(false, 'impossible');
      return { reply: reply(200, '') };
    },
  });
  expect(broken.completion.change).toEqual({ kind: 'Close' });
});

test('every phase name is covered by the table of paths', () => {
  const phases: Record<Phase, true> = {
    PRE_CMD: true,
    CMD: true,
    POST_CMD: true,
    POST_CMD_ERR: true,
    LOG_CMD: true,
    LOG_CMD_ERR: true,
  };
  const walked = new Set(PATHS.flatMap(({ trace }) => trace.split(', ').map((step) => step.split(' ')[0])));
  for (const phase of Object.keys(phases)) expect(walked).toContain(phase);
});
