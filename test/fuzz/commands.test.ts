/** The arguments of commands: whatever stands behind a verb, it gets one final reply or a fault, and soon. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quotePath, ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import {
  type ArgumentSpec,
  NOTHING,
  PATH,
  PATH_OR_CWD,
  readArgument,
  text as textNamed,
  twoPaths,
} from '../../src/spi/argument.ts';
import { Fault } from '../../src/spi/fault.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { type Answer, say, WITH_MODE_Z } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { argument, lineText, longText, manyNames, pathText, text } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';
import { argumentOf, SPELLINGS } from './meant.ts';
import { processorMs } from './processor-time.ts';

/** Far more than a line of the longest length takes, and far less than it does in a parser that goes back again and again. */
const LINE_MS_MAX = 20;

const FORMS = SPELLINGS.flatMap(({ verb, command, syntaxes }) => syntaxes.map((syntax) => ({ verb, command, syntax })));

/** Says a line to a member with two files and a directory, whose data connection works. */
function answerTo(verb: string, argument: string, mode: 'S' | 'Z' = 'S'): Promise<Answer> {
  const files = new MemoryFiles().put('/a.txt', 'hello').put('/dir/b.txt', 'there');
  const data = new FakeDataPort(new FakeDataConnection(['some data']));
  const line = argument === '' ? verb : `${verb} ${argument}`;
  return say(line, { files, data, session: { mode }, context: { policy: { ...WITH_MODE_Z, symlinks: true } } });
}

fuzz(
  'every command answers any argument with one final reply, or refuses it with a fault',
  () => {
    const behind = FORMS.map(({ verb, command, syntax }) =>
      fc.tuple(fc.constant({ verb, command }), fc.oneof(argumentOf(syntax), argument, lineText)),
    );
    return fc.asyncProperty(
      fc.oneof(...behind),
      fc.constantFrom('S', 'Z'),
      async ([{ verb, command }, typed], mode) => {
        const answer = await answerTo(verb, typed, mode);
        expect(answer.code).toBeGreaterThanOrEqual(200);
        expect(answer.code).toBeLessThan(700);
        expect(answer.marks.length).toBeLessThanOrEqual(command.data === 'transfers' ? 1 : 0);
        for (const mark of answer.marks) expect(mark).toMatch(/^1/);
      },
    );
  },
  { runs: 500 },
);

test.each(FORMS.filter(({ command }) => command.refused === undefined))(
  'what HELP shows as $verb $syntax is understood',
  async ({ verb, syntax }) => {
    const codes = new Set<number>();
    for (const typed of fc.sample(argumentOf(syntax), { numRuns: 100, seed: 1 })) {
      codes.add((await answerTo(verb, typed)).code);
    }
    // Not all of it: paths may name nothing, and numbers may be too large.
    expect([...codes].filter((code) => ![500, 501, 504].includes(code))).not.toEqual([]);
  },
);

fuzz('an argument is what was declared, or a fault that says what is wrong', () =>
  fc.property(pathText, fc.oneof(pathText, text, argument), (where, typed) => {
    const cwd = resolvePath(ROOT, where) ?? ROOT;
    const session = { ...contextWith({}).session, cwd };
    const read = <Value>(spec: ArgumentSpec<Value>, argument: string) => {
      try {
        return readArgument(spec, argument, session);
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
        return error instanceof Fault ? error.kind : error;
      }
    };
    const resolved = resolvePath(cwd, typed);
    const meant = resolved ?? 'BadName';
    expect(read(NOTHING, typed)).toBe(typed === '' ? undefined : 'Syntax');
    expect(read(textNamed('name'), typed)).toBe(typed === '' ? 'Syntax' : typed);
    expect(read(PATH, typed)).toBe(typed === '' ? 'Syntax' : meant);
    expect(read(PATH_OR_CWD, typed)).toBe(typed === '' ? cwd : meant);
    const two = read(twoPaths('from', 'to'), typed);
    if (!Array.isArray(two)) expect(['Syntax', 'BadName']).toContain(two);
    if (resolved === undefined) return;
    expect(read(twoPaths('from', 'to'), `${quotePath(cwd)} ${quotePath(resolved)}`)).toEqual([cwd, resolved]);
    expect(read(PATH, resolved)).toBe(resolved);
  }),
);

fuzz(
  'no line of the longest length keeps a command busy',
  () =>
    fc.asyncProperty(
      fc.constantFrom(...FORMS),
      fc.oneof(longText, manyNames),
      fc.boolean(),
      async ({ verb, syntax }, long, behindWord) => {
        const [word = ''] = syntax.split(' ');
        const typed = behindWord ? `${word} ${long}` : long;
        expect(await processorMs(() => answerTo(verb, typed)), `${verb} ${typed.slice(0, 60)}`).toBeLessThan(
          LINE_MS_MAX,
        );
      },
    ),
  { runs: 300 },
);
