import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importsOf, tokensOf } from './imports.ts';
import {
  brokenExports,
  brokenFolders,
  brokenLayers,
  brokenOutside,
  brokenShape,
  brokenSurroundings,
  brokenTeardown,
  type House,
  type SourceFile,
} from './rules.ts';

/** The layers, and what each folder may touch outside. `docs/architecture.md` shows the same table: change both. */
const HOUSE: House = {
  lib: {
    number: 0,
    outside: ['node:util', 'node:crypto'],
    typesOnly: ['node:events'],
    inFiles: {
      'src/lib/loop-load.ts': ['node:perf_hooks'],
      'src/lib/processors.ts': ['node:os'],
      'src/lib/secret-file.ts': ['node:fs'],
      'src/lib/sync-path.ts': ['node:fs'],
      'src/lib/hook-request.ts': ['node:http', 'node:https'],
      'src/lib/process-group.ts': ['node:child_process'],
    },
  },
  protocol: { number: 1, outside: [] },
  spi: { number: 2, outside: [], typesOnly: ['*'] },
  engine: { number: 3, outside: [] },
  transfer: {
    number: 3,
    outside: ['node:stream', 'node:crypto', 'node:zlib'],
    inFiles: {
      'src/transfer/digest-thread.ts': ['node:worker_threads', 'node:path'],
      'src/transfer/digest-thread-program.ts': ['node:worker_threads'],
    },
  },
  transport: { number: 3, outside: ['node:net', 'node:tls', 'node:stream', 'node:events', 'node:crypto'] },
  commands: { number: 4, outside: [] },
  auth: {
    number: 4,
    outside: [
      ...['node:crypto', 'node:fs', 'node:path', 'node:child_process', 'node:https', 'node:http', 'zod'],
      ...['ldapts', 'node:worker_threads', 'bcryptjs', 'otpauth'],
    ],
    inFiles: { 'src/auth/hash-thread.ts': ['node:os'] },
  },
  access: { number: 4, outside: ['zod'] },
  storage: {
    number: 4,
    outside: ['node:fs', 'node:path', 'node:crypto', 'node:stream', 'node:os', 'node:child_process', 'zod'],
    inFiles: {
      'src/storage/worker/main.ts': ['node:net'],
      'src/storage/disk-thread.ts': ['node:worker_threads'],
      'src/storage/disk-thread-program.ts': ['node:worker_threads'],
      'src/storage/facts-thread.ts': ['node:worker_threads'],
      'src/storage/facts-thread-program.ts': ['node:worker_threads'],
    },
  },
  intake: {
    number: 4,
    outside: [
      'node:fs',
      'node:path',
      'node:crypto',
      'node:net',
      'node:tls',
      'node:http',
      'node:https',
      'node:child_process',
      'node:os',
      'zod',
      'age-encryption',
    ],
  },
  audit: { number: 4, outside: ['node:fs', 'node:path', 'node:crypto'] },
  delivery: {
    number: 4,
    outside: [
      'node:fs',
      'node:path',
      'node:crypto',
      'node:http',
      'node:https',
      'node:child_process',
      'node:tls',
      'node:stream',
      'zod',
      'basic-ftp',
    ],
  },
  modules: { number: 4, outside: ['node:fs', 'zod'] },
  config: {
    number: 5,
    outside: ['yaml', 'zod', 'node:fs', 'node:path', 'node:crypto'],
    inFiles: {
      'src/config/known-roots.ts': ['node:tls'],
      'src/config/load-modules.ts': ['node:module', 'node:url'],
      'src/config/own-package.ts': ['node:module'],
    },
  },
  server: {
    number: 6,
    outside: ['pino', 'pino-pretty', 'iconv-lite', 'prom-client', 'node:*'],
    inFiles: { 'src/server/control-protocol.ts': ['zod'], 'src/server/sharing/': ['zod'] },
  },
  compliance: { number: 6, outside: ['node:fs', 'node:path', 'node:crypto', 'node:util'] },
  probe: { number: 6, outside: ['node:net', 'node:tls', 'node:crypto', 'node:dns'] },
  supervisor: { number: 7, outside: ['zod', 'node:child_process', 'node:crypto', 'node:net', 'node:v8'] },
  testing: { number: 9, outside: ['node:assert', 'node:crypto'] },
  cli: { number: 8, outside: ['commander', 'ipaddr.js', 'node:*'], inFiles: { 'src/cli/cert': ['node-forge'] } },
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Every file of the project's source. */
const files: readonly SourceFile[] = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => {
    const path = `${entry.parentPath}/${entry.name}`;
    return { path: path.slice(ROOT.length).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') };
  });

describe('the house', () => {
  test('it was found', () => {
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['src/lib/clock.ts', 'src/spi/command.ts']));
  });

  test('every folder of src is in the table', () => {
    expect(brokenFolders(files, HOUSE)).toEqual([]);
  });

  test('every file imports from lower layers only', () => {
    expect(brokenLayers(files, HOUSE)).toEqual([]);
  });

  test('every folder touches only what it may outside', () => {
    expect(brokenOutside(files, HOUSE)).toEqual([]);
  });

  test('nothing is exported by default or wholesale, and nothing is handed on', () => {
    expect(brokenExports(files)).toEqual([]);
  });

  test('the environment, the exit, the clock and chance are reached for in cli and lib/clock.ts only', () => {
    expect(brokenSurroundings(files)).toEqual([]);
  });

  test('TLS is dropped before the socket that it lies on', () => {
    expect(brokenTeardown(files)).toEqual([]);
  });

  test('every file begins with a doc comment and has at most 400 lines', () => {
    expect(brokenShape(files)).toEqual([]);
  });
});

/** A file of one line. */
const file = (path: string, text: string): SourceFile => ({ path, text });

describe('the rules bite', () => {
  test.each([['src/helpers/a.ts'], ['src/a.ts'], ['src/constructor/a.ts']])('%s is in no folder', (path) => {
    expect(brokenFolders([file(path, '')], HOUSE)).toEqual([`${path} is in no folder of the house`]);
  });

  test.each([
    ['src/protocol/a.ts', "import { a } from '../spi/a.ts';"],
    ['src/protocol/a.ts', "import type { A } from '../spi/a.ts';"],
    ['src/protocol/a.ts', "export { a } from '../spi/a.ts';"],
    ['src/protocol/a.ts', "const a = await import('../spi/a.ts');"],
    ['src/protocol/a.ts', "import '../spi/a.ts';"],
    ['src/engine/a.ts', "import { a } from '../transfer/a.ts';"],
    ['src/storage/deep/a.ts', "import { a } from '../../auth/a.ts';"],
    ['src/server/a.ts', "import { a } from '../index.ts';"],
    ['src/cli/a.ts', "import data from '../../package.json' with { type: 'json' };"],
    ['src/cli/a.ts', "import { a } from '../unknown/a.ts';"],
    ['src/cli/a.ts', "import { a } from '../../test/cli/a.ts';"],
    ['src/cli/a.ts', 'await import(name);'],
    ['src/cli/a.ts', "await import('../lib/' + name);"],
    ['src/cli/a.ts', 'await import(`../lib/a.ts`);'],
  ])('%s may not: %s', (path, text) => {
    expect(brokenLayers([file(path, text)], HOUSE)).toHaveLength(1);
  });

  test.each([
    ['src/protocol/a.ts', "import { a } from '../lib/a.ts';"],
    ['src/protocol/a.ts', "import { a } from './a.ts';"],
    ['src/storage/deep/a.ts', "import { a } from '../b.ts';"],
    ['src/commands/a.ts', "import { a } from '../engine/a.ts';"],
    ['src/index.ts', "export { a } from './server/a.ts';"],
    ['src/testing.ts', "import { a } from './cli/a.ts';"],
    ['src/config/load-modules.ts', 'await import(name);'],
    ['src/protocol/a.ts', "// import { a } from '../spi/a.ts';"],
    ['src/protocol/a.ts', 'const a = `import { a } from "../spi/a.ts";`;'],
  ])('%s may: %s', (path, text) => {
    expect(brokenLayers([file(path, text)], HOUSE)).toEqual([]);
  });

  test.each([
    ['src/protocol/a.ts', "import { isIP } from 'node:net';"],
    ['src/protocol/a.ts', "import type { Socket } from 'node:net';"],
    ['src/spi/a.ts', "import { Socket } from 'node:net';"],
    ['src/spi/a.ts', "import { type Socket } from 'node:net';"],
    ['src/lib/a.ts', "import { EventEmitter } from 'node:events';"],
    ['src/modules/a.ts', "import { a } from 'node:fsx';"],
    ['src/modules/a.ts', "import { a } from 'zod-extra';"],
    ['src/auth/a.ts', "import forge from 'node-forge';"],
    ['src/cli/serve.ts', "import forge from 'node-forge';"],
    ['src/config/a.ts', "import { pino } from 'pino';"],
    ['src/storage/a.ts', "import { a } from 'fs';"],
    ['src/storage/a.ts', "import { a } from '/etc/passwd';"],
  ])('%s may not: %s', (path, text) => {
    expect(brokenOutside([file(path, text)], HOUSE)).toHaveLength(1);
  });

  test.each([
    ['src/spi/a.ts', "import type { Socket } from 'node:net';"],
    ['src/lib/a.ts', "import type { EventEmitter } from 'node:events';"],
    ['src/modules/a.ts', "import { open } from 'node:fs/promises';"],
    ['src/cli/cert.ts', "import forge from 'node-forge';"],
    ['src/cli/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/index.ts', "import { anything } from 'anything';"],
  ])('%s may: %s', (path, text) => {
    expect(brokenOutside([file(path, text)], HOUSE)).toEqual([]);
  });

  test.each([
    ["export * from './a.ts';", 2],
    ["export * as a from './a.ts';", 2],
    ["export type * from './a.ts';", 2],
    ['export default 1;', 1],
    ['export { a as default };', 1],
    ["export { a } from './a.ts';", 1],
    ["export type { A } from './a.ts';", 1],
  ])('no file may: %s', (text, count) => {
    expect(brokenExports([file('src/lib/a.ts', text)])).toHaveLength(count);
  });

  test.each([
    ['export { a };\nconst from = 1;'],
    ['export const a = 1;'],
    ["export type A = import('./a.ts').A;"],
    ['switch (a) { default: }'],
    ["import { default as a } from './a.ts';"],
    ["/** export default, export * from './a.ts' */"],
  ])('any file may: %s', (text) => {
    expect(brokenExports([file('src/lib/a.ts', text)])).toEqual([]);
  });

  test('the entrances may hand on what they name, and nothing wholesale', () => {
    expect(brokenExports([file('src/index.ts', "export { a } from './lib/a.ts';")])).toEqual([]);
    expect(brokenExports([file('src/index.ts', "export * from './lib/a.ts';")])).toHaveLength(1);
  });

  test.each([
    ['process.env.HOME'],
    ['process?.env'],
    ["process['env']"],
    ['process\n  .exit(1)'],
    ['Date.now()'],
    ['globalThis.Date.now()'],
    ['new Date()'],
    ['new Date'],
    ['performance.now()'],
    ['Math.random()'],
    ['`\x24{process.env.HOME}`'],
    ['const all = { ...process.env };'],
    ["import { env } from 'node:process';"],
    ['const { env } = a / b; const c = Date.now() / 2;'],
  ])('nobody below cli may: %s', (text) => {
    expect(brokenSurroundings([file('src/server/a.ts', text)])).toHaveLength(1);
    expect(brokenSurroundings([file('src/cli/a.ts', text)])).toEqual([]);
    expect(brokenSurroundings([file('src/lib/clock.ts', text)])).toEqual([]);
  });

  test.each([
    ['new Date(timeMs)'],
    ['Date.UTC(2026, 0)'],
    ['Math.floor(1)'],
    ['process.memoryUsage()'],
    ['clock.now()'],
    ['// process.env'],
    ['"Math.random"'],
    ['/Date.now/.test(text)'],
    ['options.process.env'],
  ])('everybody may: %s', (text) => {
    expect(brokenSurroundings([file('src/server/a.ts', text)])).toEqual([]);
  });

  test.each([
    ['const tls = connectTls({ socket: raw }); raw.destroy(); tls.destroy();'],
    ['const tls: TLSSocket = new TLSSocket(raw); raw.destroy(error); tls.destroy(error);'],
    ['this.#tls = new TLSSocket(raw); } drop() { this.#raw.destroy(); this.#tls?.destroy(); }'],
    ['const tls = new TLSSocket(guard); this.#stream = tls; guard?.destroy(); this.#stream.destroy();'],
    ['tls = await secureOut(raw); a.destroy(); raw.resetAndDestroy(); tls.destroy();'],
  ])('no file may: %s', (text) => {
    expect(brokenTeardown([file('src/probe/a.ts', text)])).toHaveLength(1);
  });

  test.each([
    ['const tls = connectTls({ socket: raw }); tls.destroy(); raw.destroy();'],
    ['const tls = connectTls({ socket: raw }); function drop() { raw.destroy(); } tls.destroy();'],
    ['const tls = connectTls({ socket: raw }); raw.destroy(); forget(); tls.destroy();'],
    ['a.destroy(); b.destroy();'],
  ])('any file may: %s', (text) => {
    expect(brokenTeardown([file('src/probe/a.ts', text)])).toEqual([]);
  });

  test('a file without a doc comment, or with too many lines, is named', () => {
    const long = `/** Long. */\n${'a();\n'.repeat(400)}`;
    expect(brokenShape([file('src/lib/a.ts', '// Hm.\n/** Late. */')])).toHaveLength(1);
    expect(brokenShape([file('src/lib/a.ts', '')])).toHaveLength(1);
    expect(brokenShape([file('src/lib/a.ts', long)])).toEqual(['src/lib/a.ts has 401 lines, more than 400']);
    expect(brokenShape([file('src/cli/a.ts', '#!/usr/bin/env node\n/** Program. */\n')])).toEqual([]);
  });
});

describe('the scanner', () => {
  test.each([
    ["import a from 'x';", 'x', false],
    ["import{a}from'x'", 'x', false],
    ['import * as a from "x";', 'x', false],
    ["import a, {\n  type B, // from 'z'\n  c,\n} from 'x';", 'x', false],
    ["import { 'odd name' as a } from 'x';", 'x', false],
    ["import { from } from 'x';", 'x', false],
    ["import type { A } from 'x';", 'x', true],
    ["import type A from 'x';", 'x', true],
    ["import type * as a from 'x';", 'x', true],
    ["import type from 'x';", 'x', false],
    ["import type, { a } from 'x';", 'x', false],
    ["import { type A } from 'x';", 'x', false],
    ["import 'x';", 'x', false],
    ["const a = await import('x');", 'x', false],
    ["import a from 'x' with { type: 'json' };", 'x', false],
    ["const a = b / 2; import('x'); const c = d / 2;", 'x', false],
    ["const a = /['\"`]/; import b from 'x';", 'x', false],
    ["const a = `'\x24{`}`}'`; import b from 'x';", 'x', false],
    ["const a = `\x24{await import('x')}`;", 'x', false],
    ["#!/usr/bin/env node's\nimport b from 'x';", 'x', false],
  ])('finds the import in %s', (text, specifier, typesOnly) => {
    expect(importsOf(tokensOf(text))).toEqual([{ specifier, typesOnly, reexported: false }]);
  });

  test.each([
    ["a.import('x');"],
    ['import.meta.url;'],
    ["/* import a from 'x'; */"],
    ['\'import a from "x"\';'],
    ["`import a from 'x'`;"],
    ["/import a from 'x'/;"],
    ["export const from = 'x';"],
    ["export { a };\nArray.from('x');"],
  ])('finds none in %s', (text) => {
    expect(importsOf(tokensOf(text))).toEqual([]);
  });

  test('finds them all, in their order', () => {
    const text =
      "import a from 'a';\nimport type { B } from 'b'\nexport { c } from 'c';\nexport type { D } from 'd';\n";
    expect(importsOf(tokensOf(text)).map(({ specifier }) => specifier)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('no text makes it throw or run on', () => {
    const code = fc
      .array(fc.constantFrom('`', '${', '}', '{', "'", '"', '/', '/*', '*/', '\\', '\n', 'import', 'from', 'é'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), code), (text) => {
        expect(tokensOf(text).length).toBeLessThanOrEqual(text.length + 1);
        importsOf(tokensOf(text));
      }),
    );
  });
});
