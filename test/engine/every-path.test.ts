/**
 * Every way that a command can take through its phases, after the text that the phases come from (ProFTPD's developer
 * guide, "Command Handlers"): which handlers are called behind which answer, and what the client reads.
 */
import { describe, expect, test } from 'vitest';
import { dispatch } from '../../src/engine/dispatch.ts';
import { PhaseTable } from '../../src/engine/phase-table.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import { defineCommand } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import {
  DECLINED,
  defineModule,
  ERROR,
  HANDLED,
  type Module,
  PHASES,
  type Phase,
  type PhaseHandler,
  type Request,
} from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

/** What a handler may do, its return words and what untyped code does besides. */
const ANSWERS = {
  declines: () => DECLINED,
  handles: () => HANDLED(reply(211, 'Handled.')),
  refuses: () => ERROR(reply(550, 'Refused.')),
  throws: () => {
    throw new Error('broken');
  },
  'calls success an error': () => ERROR(reply(200, 'Refused?')),
  'says nothing': () => undefined,
} as const;
type Answer = keyof typeof ANSWERS;

/** A module with a handler of every phase for `*` and for TEST; one of them answers, the others decline. */
function moduleWith(phase: Phase, verb: string, answer: Answer, trace: string[]): Module {
  const handlers = PHASES.flatMap((each) =>
    ['TEST', '*'].map((name) => ({
      phase: each,
      verb: name,
      handle: () => {
        trace.push(`${each} ${name}`);
        return each === phase && name === verb ? ANSWERS[answer]() : DECLINED;
      },
    })),
  );
  return { name: 'traced', handlers: handlers as unknown as PhaseHandler[] };
}

function command(trace: string[], succeeds: boolean) {
  return defineCommand({
    verb: 'TEST',
    class: 'misc',
    who: 'anyone',
    rfc: 'none',
    argument: NOTHING,
    handle: () => {
      trace.push('own');
      if (!succeeds) throw new Fault('NoSuchFile');
      return { reply: reply(200, 'Done.') };
    },
  });
}

/** What the guide tells of a path. */
interface Told {
  /** Who is called, in order. */
  readonly trace: readonly string[];
  readonly code: number;
  /** Whether the client reads the line of the handler that refuses. */
  readonly heard: boolean;
}

function told(phase: Phase, verb: string, answer: Answer, succeeds: boolean): Told {
  const trace: string[] = [];
  const stops = (each: Phase): Answer | undefined => {
    for (const name of ['*', 'TEST']) {
      trace.push(`${each} ${name}`);
      if (each === phase && name === verb && answer !== 'declines') return answer;
    }
    return undefined;
  };
  const both = (each: Phase) => trace.push(`${each} *`, `${each} TEST`);
  const end = (code: number, heard: boolean) => {
    both(code < 400 ? 'POST_CMD' : 'POST_CMD_ERR');
    both(code < 400 ? 'LOG_CMD' : 'LOG_CMD_ERR');
    return { trace, code, heard };
  };

  const guard = stops('PRE_CMD');
  if (guard !== undefined) return end(guard === 'refuses' ? 550 : 451, guard === 'refuses');
  const handler = stops('CMD');
  if (handler === 'handles') return end(211, false);
  if (handler !== undefined) return end(handler === 'refuses' ? 550 : 451, handler === 'refuses');
  trace.push('own');
  return succeeds ? end(200, false) : end(550, phase === 'POST_CMD_ERR' && answer === 'refuses');
}

/** Whether what an observer does is told to the operator, as it changes nothing for the client. */
function reported(phase: Phase, answer: Answer): boolean {
  if (phase === 'POST_CMD') return answer !== 'declines';
  if (phase === 'POST_CMD_ERR') return answer !== 'declines' && answer !== 'refuses';
  return (phase === 'LOG_CMD' || phase === 'LOG_CMD_ERR') && answer === 'throws';
}

const ROWS = PHASES.flatMap((phase) =>
  ['*', 'TEST'].flatMap((verb) =>
    (Object.keys(ANSWERS) as Answer[]).flatMap((answer) =>
      [true, false].map((succeeds) => ({ phase, verb, answer, succeeds })),
    ),
  ),
);

test.each(ROWS)('$phase $verb $answer, the command succeeds: $succeeds', async ({ phase, verb, answer, succeeds }) => {
  const trace: string[] = [];
  const definition = command(trace, succeeds);
  const table = new PhaseTable([definition], [moduleWith(phase, verb, answer, trace)]);
  const log = new RecordingLog();
  const call = { command: definition, context: contextWith({ log }), argument: '', shownArgument: '', notes: {} };
  const { reply: final } = await dispatch(table, call);
  const expected = told(phase, verb, answer, succeeds);
  expect(trace).toEqual(expected.trace);
  expect(final.code).toBe(expected.code);

  expect(final.lines.includes('Refused.')).toBe(expected.heard);
  const wasCalled = trace.includes(`${phase} ${verb}`);
  expect(log.of('module.failed')).toHaveLength(wasCalled && reported(phase, answer) ? 1 : 0);
});

describe('an observer that hangs', () => {
  test.each(PHASES.filter((phase) => phase !== 'PRE_CMD' && phase !== 'CMD'))(
    'in %s is reported, and the client gets its reply',
    async (phase) => {
      const clock = new FakeClock();
      const log = new RecordingLog();
      const definition = command([], !phase.endsWith('ERR'));
      const reached = Promise.withResolvers<void>();
      const hang = () => {
        reached.resolve();
        return new Promise<never>(() => undefined);
      };
      const table = new PhaseTable([definition], [{ name: 'slow', handlers: [{ phase, verb: '*', handle: hang }] }]);
      const context = contextWith({ clock, log });
      const running = dispatch(table, { command: definition, context, argument: '', shownArgument: '', notes: {} });
      await reached.promise;
      clock.advance(10_000);
      expect((await running).reply.code).toBe(phase.endsWith('ERR') ? 550 : 200);
      expect(log.of('module.failed')).toMatchObject([{ module: 'slow', phase }]);
    },
  );
});

describe('the response chains', () => {
  /** The lines of the reply when a handler of every phase adds one line to either chain. */
  async function lines(succeeds: boolean): Promise<readonly string[]> {
    const add = (phase: Phase) => (request: Request) => {
      request.respond.add(`${phase} success`);
      request.respond.addError(`${phase} error`);
      return DECLINED;
    };
    const handlers = PHASES.map((phase) => ({ phase, verb: '*', handle: add(phase) }) as PhaseHandler);
    const definition = command([], succeeds);
    const table = new PhaseTable([definition], [{ name: 'speaker', handlers }]);
    const call = { command: definition, context: contextWith({}), argument: '', shownArgument: '', notes: {} };
    return (await dispatch(table, call)).reply.lines;
  }

  test('success sends what was added for success, before and behind the command’s own line', async () => {
    expect(await lines(true)).toEqual(['PRE_CMD success', 'CMD success', 'Done.', 'POST_CMD success']);
  });

  test('failure sends what was added for failure', async () => {
    const own = new Fault('NoSuchFile').text;
    expect(await lines(false)).toEqual(['PRE_CMD error', 'CMD error', own, 'POST_CMD_ERR error']);
  });

  test('a line cannot be forged through them', async () => {
    const definition = command([], true);
    const handle = ({ respond }: Request) => {
      respond.add('one\r\n200 two');
      return DECLINED;
    };
    const table = new PhaseTable(
      [definition],
      [{ name: 'speaker', handlers: [{ phase: 'PRE_CMD', verb: '*', handle }] }],
    );
    const call = { command: definition, context: contextWith({}), argument: '', shownArgument: '', notes: {} };
    expect((await dispatch(table, call)).reply.lines).toEqual(['one  200 two', 'Done.']);
  });
});

describe('overloading', () => {
  test('the module of higher priority allows or denies in place of the other and of the command', async () => {
    const trace: string[] = [];
    const definition = command(trace, true);
    const by = (name: string, priority: number, answer: 'declines' | 'handles' | 'refuses'): Module => ({
      name,
      handlers: [
        {
          phase: 'CMD',
          verb: 'TEST',
          priority,
          handle: () => {
            trace.push(name);
            return ANSWERS[answer]();
          },
        },
      ],
    });
    const modules = [by('low', 1, 'refuses'), by('middle', 5, 'handles'), by('high', 9, 'declines')];
    const table = new PhaseTable([definition], modules);
    const call = { command: definition, context: contextWith({}), argument: '', shownArgument: '', notes: {} };
    expect((await dispatch(table, call)).reply.code).toBe(211);
    expect(trace).toEqual(['high', 'middle']);
  });
});

describe('a module that was not type-checked is refused at the start', () => {
  const base = { phase: 'PRE_CMD', verb: '*', handle: () => DECLINED };
  const directive = { name: 'twice', help: '', contexts: ['server'], schema: {}, initial: 1, merge: () => 1 };
  test.each([
    ['no name', {}, /needs a name/],
    ['an unknown phase', { name: 'm', handlers: [{ ...base, phase: 'PRE' }] }, /no phase PRE; the phases are PRE_CMD/],
    ['a verb in small letters', { name: 'm', handlers: [{ ...base, verb: 'stor' }] }, /waits for 'stor'/],
    ['a priority that is none', { name: 'm', handlers: [{ ...base, priority: 'high' }] }, /priority .* is no number/],
    ['no function', { name: 'm', handlers: [{ ...base, handle: 'no' }] }, /is no function/],
    ['a directive twice', { name: 'm', directives: [directive, directive] }, /declares the directive twice twice/],
  ])('%s', (_what, module, message) => {
    expect(() => defineModule(module as unknown as Module)).toThrow(message);
    expect(() => new PhaseTable([], [module as unknown as Module])).toThrow(message);
  });

  test.each([
    ['STORX', /STORX would never be called: there is no such command/],
    ['XTEST', /XTEST would never be called: that is TEST under another name/],
  ])('a handler for %s, which no command is called', (verb, message) => {
    const definition = { ...command([], true), aliases: ['XTEST'] };
    const module = { name: 'm', handlers: [{ ...base, verb }] } as unknown as Module;
    expect(() => new PhaseTable([definition], [module])).toThrow(message);
  });

  test('two commands with one verb', () => {
    expect(() => new PhaseTable([command([], true), command([], true)], [])).toThrow(/TEST is a command already/);
  });
});

test('the types keep HANDLED out of every phase but CMD', () => {
  const handle = () => HANDLED(reply(200, 'No.'));
  const allowed: PhaseHandler = { phase: 'CMD', verb: '*', handle };
  // @ts-expect-error PRE_CMD is a guard
  const guard: PhaseHandler = { phase: 'PRE_CMD', verb: '*', handle };
  // @ts-expect-error POST_CMD comes too late
  const post: PhaseHandler = { phase: 'POST_CMD', verb: '*', handle };
  // @ts-expect-error POST_CMD_ERR comes too late
  const postError: PhaseHandler = { phase: 'POST_CMD_ERR', verb: '*', handle };
  expect([allowed, guard, post, postError]).toHaveLength(4);
});
