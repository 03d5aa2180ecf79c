/** The list of gates, and the names by which places ask for them: mistakes are found where they stand. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gateOptions } from '../../src/config/gate-options.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { partNameFindings } from '../../src/config/part-names.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { defineGate, type Gate } from '../../src/spi/gate.ts';
import { defineModule } from '../../src/spi/module.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

const CSV = defineGate({ name: 'csv', deadlineMs: 1_000, inspect: async () => ({ verdict: 'pass' }) });

describe('the list', () => {
  test.each([
    [
      'two of one name',
      [
        { kind: 'clamd', name: 'a', socket: '/a' },
        { kind: 'command', name: 'a', program: '/b' },
      ],
      [1, 'name'],
    ],
    ['a kind that does not exist', [{ kind: 'sandbox', name: 'a' }], [0, 'kind']],
    ['a key of another kind', [{ kind: 'command', name: 'a', program: '/b', socket: '/a' }], [0]],
    ['a name with a capital', [{ kind: 'command', name: 'A', program: '/b' }], [0, 'name']],
    [
      'more than 64',
      Array.from({ length: 65 }, (_, index) => ({ kind: 'command', name: `g${index}`, program: '/b' })),
      [],
    ],
  ])('%s is refused', (_, written, path) => {
    expect(gateOptions.safeParse(written).error?.issues.map((issue) => issue.path)).toEqual([path]);
  });

  test('what was checked passes the check again', () => {
    const written = [
      { kind: 'clamd', name: 'av', socket: '/run/clamav/clamd.ctl' },
      { kind: 'icap', name: 'dlp', url: 'icaps://dlp.example.com/respmod' },
      { kind: 'command', name: 'rule', program: '/usr/local/bin/check', args: ['{file}'] },
      { kind: 'http', name: 'hook', url: 'https://hooks.example.com/', send: 'content' },
    ];
    const once = gateOptions.parse(written);
    expect(gateOptions.parse(once)).toEqual(once);
    expect(once.every(({ deadlineMs, parallelMax }) => deadlineMs === 60_000 && parallelMax === 8)).toBe(true);
  });
});

test('names are looked for in every place, and whatever has another form is left to the schema', () => {
  const value = {
    intake: { gates: ['av', 'no', 7], deliver: ['no'] },
    hosts: [{ directories: [{ path: '/in', intake: { gates: ['ac'] } }] }, null],
    users: [{ directories: [{ intake: null }, { intake: { gates: 'av' } }] }, { intake: { gates: ['nope'] } }],
    authentication: [{ account: { directories: [{ intake: { gates: ['x'] } }] } }],
  };
  expect(partNameFindings(value, 'gates', ['av', 'csv'])).toEqual([
    { path: ['intake', 'gates', 1], message: 'there is no gate no' },
    { path: ['hosts', 0, 'directories', 0, 'intake', 'gates', 0], message: 'there is no gate ac; did you mean av?' },
    { path: ['users', 1, 'intake', 'gates', 0], message: 'there is no gate nope' },
    { path: ['authentication', 0, 'account', 'directories', 0, 'intake', 'gates', 0], message: 'there is no gate x' },
  ]);
  expect(partNameFindings(value, 'deliver', [])).toEqual([
    { path: ['intake', 'deliver', 0], message: 'there is no delivery no' },
  ]);
});

describe('in files', () => {
  /** Loads a configuration with these files beside it. */
  async function load(more: string, files: Readonly<Record<string, string>> = {}) {
    const folder = await temporaryFolder();
    const { files: pem } = await testCertificates();
    await mkdir(join(folder, 'home'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
    const path = join(folder, 'sallyport.yaml');
    const head = `listen: [{ port: 0 }]\ntls: { certificate_file: ${pem.cert}, key_file: ${pem.key} }\n`;
    await writeFile(path, head + more);
    const loaded = await loadConfig(path);
    const problems = loaded.ok
      ? []
      : loaded.problems.map(
          ({ file, line, column, message }) => `${file.split('/').at(-1)}:${line}:${column} ${message}`,
        );
    return { folder, loaded, problems };
  }

  const GATES = 'gates:\n  - { kind: command, name: rule, program: /bin/true }\n';

  test('a name that there is not is told with its place', async () => {
    const { problems } = await load(`${GATES}directories:\n  - path: /in\n    intake: { gates: [rule, rul] }\n`);
    expect(problems).toEqual(['sallyport.yaml:7:29 there is no gate rul; did you mean rule?']);
  });

  test('in a users file too', async () => {
    const users =
      'users:\n  - name: alice\n    home: home\n    directories:\n      - path: /in\n        intake:\n          gates: [nope]\n';
    const { problems } = await load(`${GATES}users_file: users.yaml\n`, { 'users.yaml': users });
    expect(problems).toEqual(['users.yaml:7:19 there is no gate nope']);
  });

  test('gates of modules count, unless the module did not load', async () => {
    const text =
      "export default { name: 'own', gates: [{ name: 'csv', deadlineMs: 1000, inspect: async () => ({ verdict: 'pass' }) }] };\n";
    const rest = 'directories:\n  - path: /in\n    intake: { gates: [csv] }\n';
    const good = await load(`modules: [own.mjs]\n${rest}`, { 'own.mjs': text });
    expect(good.problems).toEqual([]);
    const bad = await load(`modules: [own.mjs]\n${rest}`, { 'own.mjs': text.replace("'csv'", "'C S V'") });
    expect(bad.problems.length).toBe(1);
    expect(bad.problems[0]).toMatch(/a gate's name must be/);
  });

  test('every example of docs/gates.md is right', async () => {
    const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
    expect(blocks.length).toBe(5);
    const { caCert } = await testCertificates();
    for (const block of blocks) {
      const { problems } = await load(block, { 'dlp-ca.pem': caCert, 'orders.key': 'secret\n' });
      expect(problems, block).toEqual([]);
    }
  });

  test('a key that others can read, and authorities that are none, are told', async () => {
    const gate =
      'gates:\n  - { kind: http, name: h, url: https://h.example.com/, ca_file: ca.pem, secret_file: missing }\n';
    const { problems } = await load(gate, { 'ca.pem': 'none' });
    expect(problems).toEqual([
      expect.stringMatching(/^sallyport\.yaml:4:\d+ holds no certificate/),
      expect.stringMatching(/^sallyport\.yaml:4:\d+ .*(?:no such file|does not exist)/i),
    ]);
  });

  test('paths are relative to the file', async () => {
    const { loaded, folder } = await load(
      'gates:\n  - { kind: clamd, name: av, socket: run/clamd }\n  - { kind: http, name: h, url: https://h.example.com/, ca_file: ca.pem, secret_file: key }\n',
      { 'ca.pem': (await testCertificates()).caCert, key: 'secret\n' },
    );
    expect(loaded.ok && loaded.options.gates).toMatchObject([
      { socket: join(folder, 'run/clamd') },
      { caFile: join(folder, 'ca.pem'), secretFile: join(folder, 'key') },
    ]);
  });
});

describe('in programs', () => {
  async function make(written: Partial<GatewayOptionsInput>, gates: readonly Gate[] = []) {
    const { cert, key } = await testCertificates();
    const options = { listen: [{ port: 0 }], tls: { certificate: cert, key }, ...written };
    const modules = [defineModule({ name: 'own', gates: [{ ...CSV, name: 'of-module' }] })];
    return createGateway(options, { gates, modules });
  }

  const asking = (...gates: string[]) => ({ directories: [{ path: '/in', intake: { gates } }] });

  test('a gate that there is not keeps the gateway from being made', async () => {
    await expect(make(asking('csv'))).rejects.toThrow('directories.0.intake.gates.0: there is no gate csv');
    expect(await make(asking('csv', 'of-module'), [CSV])).toBeDefined();
  });

  test('so do two of one name, and one that cannot be', async () => {
    await expect(make({}, [CSV, CSV])).rejects.toThrow('two gates have the name csv');
    const gates = [{ kind: 'command', name: 'csv', program: '/bin/true' }] as const;
    await expect(make({ gates: [...gates] }, [CSV])).rejects.toThrow('two gates have the name csv');
    await expect(make({}, [{ ...CSV, name: 'C' }])).rejects.toThrow(/a gate's name must be/);
    expect(() => defineGate({ ...CSV, deadlineMs: 0 })).toThrow(/deadline/);
  });
});
