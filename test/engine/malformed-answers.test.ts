/** What code that was not type-checked may answer in place of an outcome: the client reads 451, and every phase runs. */
import { describe, expect, test } from 'vitest';
import { dispatch } from '../../src/engine/dispatch.ts';
import { PhaseTable } from '../../src/engine/phase-table.ts';
import { reply } from '../../src/protocol/reply.ts';
import type { CommandDefinition } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import { DECLINED, ERROR, HANDLED, type Module, type PhaseHandler, type Request } from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

/** Carries out TEST, which does `act`, behind one handler of any kind; who records is a module of its own. */
async function carried({ act, handler }: { act?: () => unknown; handler?: object }) {
  const log = new RecordingLog();
  const recorded: number[] = [];
  const argument = { syntax: '', parts: [], required: 0 };
  const traits = { verb: 'TEST', class: 'misc', who: 'anyone', rfc: 'none', help: 'TEST', argument } as const;
  const command = { ...traits, run: act ?? (async () => ({ reply: reply(200, 'Done.') })) } as CommandDefinition;
  const modules = [
    { name: 'odd', handlers: handler === undefined ? [] : [handler as PhaseHandler] },
    {
      name: 'recorder',
      handlers: (['LOG_CMD', 'LOG_CMD_ERR'] as const).map((phase) => ({
        ...{ phase, verb: '*' },
        handle: (_: Request, result: { reply: { code: number } }) => void recorded.push(result.reply.code),
      })),
    } satisfies Module,
  ];
  const table = new PhaseTable([command], modules);
  const call = { command, context: contextWith({ log }), argument: '', shownArgument: '', notes: {} };
  return { completion: await dispatch(table, call), log, recorded };
}

const LOCAL = new Fault('Local');
const DONE = reply(200, 'Done.');

const OUTCOMES: readonly [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a reply in place of an outcome', DONE],
  ['a text as reply', { reply: '200 Done.' }],
  ['a code that is text', { reply: { code: '200', lines: ['Done.'] } }],
  ['a code that there is not', { reply: { code: 42, lines: ['Done.'] } }],
  ['a preliminary code', { reply: { code: 150, lines: ['Soon.'] } }],
  ['no lines', { reply: { code: 200, lines: [] } }],
  ['lines that are text', { reply: { code: 200, lines: 'Done.' } }],
  ['a line that is a number', { reply: { code: 200, lines: [1] } }],
  ['a change that there is not', { reply: DONE, change: { kind: 'Sing' } }],
  ['a change called as a method of objects', { reply: DONE, change: { kind: 'toString' } }],
  ['a change of no kind', { reply: DONE, change: {} }],
  ['a change to no directory', { reply: DONE, change: { kind: 'ChangeDirectory', path: '../..' } }],
  ['a login of nobody', { reply: DONE, change: { kind: 'LogIn' } }],
  ['a login of a name', { reply: DONE, change: { kind: 'LogIn', account: { name: 'root' } } }],
];

describe.each(OUTCOMES)('%s', (_, outcome) => {
  test.each([
    ['by a CMD handler', { handler: { phase: 'CMD', verb: 'TEST', handle: () => ({ word: 'HANDLED', outcome }) } }],
    ['by a command', { act: () => outcome }],
  ])('%s', async (_by, parts) => {
    const { completion, log, recorded } = await carried(parts);
    expect(completion).toEqual({ reply: reply(451, LOCAL.text), change: undefined });
    expect(log.of('command.bug')).toHaveLength(1);
    expect(recorded).toEqual([451]);
  });
});

describe.each(['PRE_CMD', 'CMD'])('in %s', (phase) => {
  test.each<[string, (request: Request) => unknown]>([
    ['no word', () => 'ERROR'],
    ['an ERROR without a reply', () => ({ word: 'ERROR' })],
    ['an ERROR whose code is text', () => ({ word: 'ERROR', reply: { code: '550', lines: ['No.'] } })],
    ['an ERROR whose lines are text', () => ({ word: 'ERROR', reply: { code: 550, lines: 'No.' } })],
    ['an ERROR of success', () => ERROR(DONE)],
    ['a line that is a number', ({ respond }) => respond.add(42 as unknown as string)],
    ['an error whose stack cannot be read', throwsUnreadable],
    ['a Fault whose words are none', () => Promise.reject(new Fault('Local', { text: 7 as unknown as string }))],
  ])('%s', async (_, handle) => {
    const { completion, recorded } = await carried({ handler: { phase, verb: '*', handle } });
    expect(completion.reply.code).toBe(451);
    expect(recorded).toEqual([451]);
  });
});

test.each(['POST_CMD', 'POST_CMD_ERR'])('what is malformed in %s is told of, and changes nothing', async (phase) => {
  const fails = phase === 'POST_CMD_ERR';
  const act = fails ? () => Promise.reject(new Fault('NoSuchFile')) : undefined;
  const code = fails ? 550 : 200;
  const answers: ((request: Request) => unknown)[] = [
    ({ respond }) => respond.addError(42 as unknown as string),
    () => ({ word: 'ERROR', reply: { code: 550, lines: [1] } }),
    () => HANDLED(DONE),
    throwsUnreadable,
  ];
  for (const handle of answers) {
    const { completion, log, recorded } = await carried({ ...(act && { act }), handler: { phase, verb: '*', handle } });
    expect(completion.reply.code).toBe(code);
    expect(completion.reply.lines).toHaveLength(1);
    expect(log.of('module.failed')).toMatchObject([{ module: 'odd', phase }]);
    expect(recorded).toEqual([code]);
  }
});

test('a promise of another library is waited for', async () => {
  const promised = (answer: unknown) =>
    Object.fromEntries([['then', (resolve: (value: unknown) => void) => void resolve(answer)]]);
  const refused = await carried({
    handler: { phase: 'PRE_CMD', verb: '*', handle: () => promised(ERROR(reply(550, 'No.'))) },
  });
  expect(refused.completion.reply).toEqual(reply(550, 'No.'));
  const passed = await carried({ handler: { phase: 'PRE_CMD', verb: '*', handle: () => promised(DECLINED) } });
  expect(passed.completion.reply).toEqual(DONE);
});

test('no line of a reply that was made by hand can forge another', async () => {
  const { completion } = await carried({ act: () => ({ reply: { code: 200, lines: ['one\r\n230 two'] } }) });
  expect(completion.reply.lines).toEqual(['one  230 two']);
});

test('a log that fails ends no command', async () => {
  const log = new RecordingLog();
  log.error = throwsUnreadable;
  const argument = { syntax: '', parts: [], required: 0 };
  const traits = { verb: 'TEST', class: 'misc', who: 'anyone', rfc: 'none', help: 'TEST', argument } as const;
  const command: CommandDefinition = { ...traits, run: throwsUnreadable };
  const call = { command, context: contextWith({ log }), argument: '', shownArgument: '', notes: {} };
  expect((await dispatch(new PhaseTable([command], []), call)).reply.code).toBe(451);
});

function throwsUnreadable(): never {
  throw Object.defineProperty(new Error('odd'), 'stack', {
    get() {
      throw new Error('no stack');
    },
  });
}
