/** `docs/extending.md`: its code is that of programs that are run, and what it names is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as main from '../../src/index.ts';
import * as testing from '../../src/testing.ts';

const PAGE = new URL('../../docs/extending.md', import.meta.url);
const EXAMPLES = new URL('../../examples/', import.meta.url);
const page = readFileSync(PAGE, 'utf8');
const programs = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: flat(readFileSync(new URL(name, EXAMPLES), 'utf8')) }));

/** Without indentation, which is another one in the middle of a program. */
function flat(text: string): string {
  return text.replace(/^ +/gm, '');
}

const blocks = [...page.matchAll(/^```ts\n([^`]*(?:`[^`]+)*?)^```$/gm)].map(([, code = '']) => code);

test('there are blocks of code to look at', () => {
  expect(blocks.length).toBe(page.match(/^```ts$/gm)?.length);
  expect(blocks.length).toBeGreaterThan(10);
});

test.each(blocks)('the code is part of an example: %s', (code) => {
  expect(programs.filter(({ text }) => text.includes(flat(code))).map(({ name }) => name)).not.toEqual([]);
});

test('every example is named', () => {
  expect(programs.filter(({ name }) => !page.includes(`(../examples/${name})`)).map(({ name }) => name)).toEqual([]);
});

test('every link leads to a file', () => {
  const links = [...page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !existsSync(new URL(link, PAGE)))).toEqual([]);
});

test('every phase, and every word that an extension is written with, is told', () => {
  const words = [...Object.keys(main), ...Object.keys(testing)].filter((name) => !PLAIN.has(name));
  const phases = ['PRE_CMD', 'CMD', 'POST_CMD', 'POST_CMD_ERR', 'LOG_CMD', 'LOG_CMD_ERR'];
  expect([...words, ...phases].filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
});

/** What says enough by its name and its type. */
const PLAIN: ReadonlySet<string> = new Set([
  'ROOT',
  'AuthoritiesRefused',
  'CertificatesRefused',
  'UserRefused',
  'baseName',
  'createLogger',
  'isPositive',
  'silentLog',
  'systemClock',
]);
