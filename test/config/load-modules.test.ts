import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { selfSigned, temporaryFolder } from './temporary-folder.ts';

const clock = new FakeClock(Date.UTC(2026, 0, 1));
let pair: ReturnType<typeof selfSigned>;

beforeAll(() => {
  pair = selfSigned(new Date(Date.UTC(2025, 0, 1)), new Date(Date.UTC(2027, 0, 1)));
});

const HEAD = `listen: [{ port: 2121 }]
tls: { certificate_file: server.crt, key_file: server.key }
`;

/** A module file with a directive `motd` of these contexts; zod is found from here and not from a temporary folder. */
function motd(contexts = "['server', 'host']", name = 'motd'): string {
  const zod = pathToFileURL(join(import.meta.dirname, '../../node_modules/zod/index.js')).href;
  return `import { z } from '${zod}';
const motd = { name: '${name}', help: 'A text.', contexts: ${contexts}, schema: z.string().max(5), initial: '', merge: (_, inner) => inner };
`;
}

async function load(files: Readonly<Record<string, string>>, prepare = async (_folder: string) => {}) {
  const folder = await temporaryFolder({ 'server.crt': pair.certificate, 'server.key': pair.key, ...files });
  await prepare(folder);
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'), { clock });
  const problems = loaded.ok
    ? []
    : loaded.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
  return { loaded, problems };
}

describe('no module comes from', () => {
  test.each<[string, string, string]>([
    [
      'a file that exports none',
      'export const other = 1;',
      'exports no module: neither by default nor by the name module',
    ],
    ['a file whose export has no name', 'export default {};', 'exports something that is no module: it has no name'],
    [
      'a list with something else in it',
      "export default [{ name: 'a' }, 7];",
      'exports something that is no module: it has no name',
    ],
    [
      'a handler of no phase',
      "export default { name: 'a', handlers: [{ phase: 'CMDS', verb: '*', handle() {} }] };",
      'module a: there is no phase CMDS; the phases are PRE_CMD, CMD, POST_CMD, POST_CMD_ERR, LOG_CMD, LOG_CMD_ERR',
    ],
    [
      'a misspelt key',
      "export default { name: 'a', handler: [] };",
      'module a: it has no place for handler; it may have name, handlers, directives',
    ],
    [
      'handlers that are no list',
      "export default { name: 'a', handlers: {} };",
      'module a: its handlers and directives must be lists',
    ],
    [
      'a directive in no context',
      "export default { name: 'a', directives: [{ name: 'motd', contexts: ['servers'] }] };",
      'module a: directive motd: there is no context servers',
    ],
    [
      'a directive without schema',
      "export default { name: 'a', directives: [{ name: 'motd', contexts: ['server'] }] };",
      'module a: directive motd: its schema is no zod schema',
    ],
    [
      'a key that is taken',
      `${motd("['host']", 'banner')}export default { name: 'a', directives: [motd] };`,
      'module a: banner is a key of the configuration already',
    ],
    [
      'a directive of a name that every object has',
      `${motd("['server']", 'constructor')}export default { name: 'a', directives: [motd] };`,
      'module a: directive constructor: every object has something of that name; choose another',
    ],
    [
      'a directive that does not say how it merges',
      `${motd()}const { merge: _, ...bare } = motd; export default { name: 'a', directives: [bare] };`,
      'module a: directive motd: make it with defineDirective',
    ],
    ['a file that throws', "throw new Error('out of order\\nstack');", 'cannot be loaded: out of order'],
    ['a function that throws', "export default () => { throw new Error('no'); };", 'its function failed: no'],
    ['a file that is no JavaScript', 'export default {', 'cannot be loaded: '],
  ])('%s', async (_, text, message) => {
    const { problems } = await load({ 'sallyport.yaml': `${HEAD}modules:\n  - ./a.mjs\nmotd: x\n`, 'a.mjs': text });
    expect(problems).toEqual([expect.stringContaining(`sallyport.yaml:4:5 modules[0]: ${message}`)]);
  });

  test('a file that is not there, and a package that is not', async () => {
    const { problems } = await load({ 'sallyport.yaml': `${HEAD}modules: [absent.js, sallyport-absent]\n` });
    expect(problems).toEqual([
      'sallyport.yaml:3:11 modules[0]: does not exist: absent.js',
      'sallyport.yaml:3:22 modules[1]: is no package that is installed; the name of a file begins with ./ or ends with .js or .ts',
    ]);
  });

  test.skipIf(process.platform === 'win32').each([0o664, 0o646])('a file that others may write (%o)', async (mode) => {
    const files = { 'sallyport.yaml': `${HEAD}modules: [a.mjs]\n`, 'a.mjs': 'process.exitCode = 9;' };
    const { problems } = await load(files, (folder) => chmod(join(folder, 'a.mjs'), mode));
    const shown = mode.toString(8).padStart(4, '0');
    expect(problems).toEqual([
      `sallyport.yaml:3:11 modules[0]: can be written by others (mode ${shown}): run chmod go-w a.mjs`,
    ]);
    expect(process.exitCode).toBeUndefined();
  });
});

test.skipIf(process.platform === 'win32')('no module comes from a folder that anybody may write', async () => {
  const files = { 'sallyport.yaml': `${HEAD}modules: [open/a.mjs]\n`, 'open/a.mjs': 'process.exitCode = 9;' };
  const { problems } = await load(files, (folder) => chmod(join(folder, 'open'), 0o777));
  expect(problems).toEqual([
    expect.stringContaining('modules[0]: lies in a folder that anybody may write: run chmod o-w'),
  ]);
  expect(process.exitCode).toBeUndefined();
});

describe('a schema that breaks its word is a mistake at the place where something was written', () => {
  test.each([
    ['z.string().transform((text) => text.length)', 'does not take what it gives'],
    ["z.string().transform((text) => text + '!')", 'does not take what it gives'],
    ["z.string().refine(() => { throw new Error('boom'); })", 'failed: Error: boom'],
    ['z.string().refine(async () => true)', 'failed: '],
  ])('%s', async (schema, message) => {
    const module = `${motd()}motd.schema = ${schema}; export default { name: 'a', directives: [motd] };`;
    const { problems } = await load({ 'sallyport.yaml': `${HEAD}modules: [a.mjs]\nmotd: hello\n`, 'a.mjs': module });
    expect(problems).toEqual([expect.stringMatching(/^sallyport\.yaml:4:7 motd: cannot be /)]);
    expect(problems[0]).toContain(message);
  });
});

test.each([
  ['by default', 'export default { name: "a", directives: [motd] };'],
  ['by name', 'export const module = { name: "a", directives: [motd] };'],
  ['as a list', 'export default [{ name: "a", directives: [motd] }];'],
  ['as a function', 'export const module = async () => [{ name: "a", directives: [motd] }];'],
])('a module is exported %s, and its directives are keys', async (_, text) => {
  const { loaded } = await load({
    'sallyport.yaml': `${HEAD}include: [conf.d/a.yaml]\n`,
    'conf.d/a.yaml': 'modules: [../a.mjs]\nmotd: hello\n',
    'a.mjs': motd() + text,
  });
  expect(loaded).toMatchObject({ ok: true, modules: [{ name: 'a' }], options: { motd: 'hello' } });
});

test.each([
  ['for import alone', '{ ".": { "types": "./x.d.ts", "import": "./main.js" } }'],
  ['as one text', '"./main.js"'],
  ['with a condition', '{ "node": { "default": "./main.js" } }'],
])('a package is found from the configuration, its exports written %s', async (_, exports) => {
  const { loaded, problems } = await load({
    'sallyport.yaml': `${HEAD}modules: ["@acme/motd"]\nmotd: hello\n`,
    'node_modules/@acme/motd/package.json': `{ "name": "@acme/motd", "type": "module", "exports": ${exports} }`,
    'node_modules/@acme/motd/main.js': `${motd()}export default { name: 'acme', directives: [motd] };`,
  });
  expect(problems).toEqual([]);
  expect(loaded).toMatchObject({ ok: true, modules: [{ name: 'acme' }] });
});

test('a directive is told where it may be, a misspelt one what was meant, a wrong value what is wrong', async () => {
  const { problems } = await load({
    'sallyport.yaml': `${HEAD}modules: [a.mjs]
motd: too long
mtod: x
allow_override: [motd, notd]
users_file: users.yaml
users:
  - { name: a, home: ., motd: x, directories: [{ path: /, motd: x }, { path: /a }] }
limits: { motd: x }
`,
    'users.yaml': 'users:\n  - { name: b, home: ., motd: x, note: x }\n',
    'a.mjs': `${motd()}export default { name: 'a', directives: [motd, { ...motd, name: 'note', contexts: ['account', 'accessFile'] }] };`,
  });
  expect(problems).toEqual([
    'sallyport.yaml:4:7 motd: must have at most 5 characters',
    'sallyport.yaml:5:1 mtod: is not a known key; did you mean motd?',
    'sallyport.yaml:6:18 allow_override[0]: is no directive that access files can hold; did you mean note?',
    'sallyport.yaml:6:24 allow_override[1]: is no directive that access files can hold; did you mean note?',
    'sallyport.yaml:9:25 users[0].motd: may be written in server, host; not here',
    'sallyport.yaml:9:59 users[0].directories[0].motd: may be written in server, host; not here',
    'sallyport.yaml:9:70 users[0].directories[1]: says nothing of the directory',
    'sallyport.yaml:10:11 limits.motd: may be written in server, host; not here',
    'users.yaml:2:25 users[0].motd: may be written in server, host; not here',
  ]);
});
