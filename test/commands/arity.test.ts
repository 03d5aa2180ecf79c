/** What each command declares of its argument: too little and too much are refused as declared, and HELP shows it. */
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { type ArgumentSpec, NOTHING, PATH, readArgument, text, twoPaths } from '../../src/spi/argument.ts';
import { type CommandTraits, defineCommand } from '../../src/spi/command.ts';
import { say } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';

const all: readonly CommandTraits[] = COMMANDS.flatMap((command) => [command, ...(command.subcommands ?? [])]);
const built = all.filter(({ refused }) => refused === undefined);
const { session } = contextWith({});

test.each(built.filter(({ argument }) => argument.required > 0).map(({ verb }) => verb))(
  '%s without what it needs is a syntax error, and nothing is done',
  async (verb) => {
    expect(await say(verb)).toMatchObject({ code: 501, marks: [], change: undefined });
  },
);

test.each(built.filter(({ argument }) => argument.parts.length === 0).map(({ verb }) => verb))(
  '%s with anything behind it is a syntax error, and nothing is done',
  async (verb) => {
    expect(await say(`${verb} x`)).toMatchObject({ code: 501, marks: [], change: undefined });
  },
);

test.each(all.map((command) => [command.verb, command] as const))('HELP shows what %s takes', (_verb, command) => {
  const { verb, argument, help } = command;
  expect(help).toBe(`${verb} ${argument.syntax}`.trimEnd());
  expect(argument.required).toBeLessThanOrEqual(argument.parts.length);
  // What need not be there stands in brackets; NOOP's text is taken and means nothing, a password may be empty.
  const isOptional = argument.required < argument.parts.length && argument.syntax !== '';
  if (isOptional && !['PASS', 'OPTS'].includes(verb)) expect(argument.syntax).toContain('[');
});

test.each<[string, ArgumentSpec<unknown>, string, string]>([
  ['nothing', NOTHING, 'x', 'Syntax'],
  ['a path', PATH, '', 'Syntax'],
  ['a path that cannot be', PATH, 'a\0b', 'BadName'],
  ['text', text('name'), '', 'Syntax'],
  ['two paths, of which one is missing', twoPaths('from', 'to'), 'a', 'Syntax'],
  ['two paths and a third', twoPaths('from', 'to'), 'a b c', 'Syntax'],
  ['two paths in broken quotes', twoPaths('from', 'to'), '"a b', 'Syntax'],
])('%s is refused', (_what, spec, typed, kind) => {
  expect(() => readArgument(spec, typed, session)).toThrow(expect.objectContaining({ kind }));
});

test('a command of one’s own gets its argument read, and never a line that is not as declared', async () => {
  const asked: unknown[] = [];
  const command = defineCommand({
    verb: 'XADD',
    class: 'misc',
    who: 'anyone',
    rfc: 'none',
    argument: {
      syntax: 'first second',
      parts: ['number', 'number'],
      required: 2,
      parse: (typed) => typed.split(' ').map(Number),
    },
    handle: (_context, numbers) => {
      asked.push(numbers);
      return { reply: { code: 200, lines: [String(numbers.reduce((sum, each) => sum + each, 0))] } };
    },
  });
  expect(command.help).toBe('XADD first second');
  expect((await command.run(contextWith({}), '1 2')).reply.lines).toEqual(['3']);
  await expect(command.run(contextWith({}), '')).rejects.toMatchObject({ kind: 'Syntax' });
  expect(asked).toEqual([[1, 2]]);
});
