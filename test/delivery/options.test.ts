/** Deliveries in configuration files: mistakes have their place, and the page's examples are right. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deliveryOptions } from '../../src/config/delivery-options.ts';
import { loadConfig } from '../../src/config/load.ts';
import { hookSignature } from '../../src/lib/hook-signature.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { temporaryFolder } from '../config/temporary-folder.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const blocksOf = (language: string) =>
  [...page('delivery.md').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  );

/** Loads a configuration with these files beside it. */
async function load(more: string, files: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  const { files: pem } = await testCertificates();
  await mkdir(join(folder, 'home'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  const path = join(folder, 'sallyport.yaml');
  await writeFile(path, `listen: [{ port: 0 }]\ntls: { certificate_file: ${pem.cert}, key_file: ${pem.key} }\n${more}`);
  const loaded = await loadConfig(path);
  const problems = loaded.ok
    ? []
    : loaded.problems.map(
        ({ file, line, column, message }) => `${file.split('/').at(-1)}:${line}:${column} ${message}`,
      );
  return { folder, loaded, problems };
}

const ONE = 'deliveries:\n  - { kind: command, name: out, program: /bin/true }\n';

describe('mistakes', () => {
  test.each([
    [
      'two of one name',
      [
        { kind: 'command', name: 'a', program: '/b' },
        { kind: 'command', name: 'a', program: '/b' },
      ],
      [1, 'name'],
    ],
    ['a kind that does not exist', [{ kind: 'ftp', name: 'a' }], [0, 'kind']],
    ['a key of another kind', [{ kind: 'command', name: 'a', program: '/b', url: 'https://a.example/' }], [0]],
    ['a program that a search path would have to find', [{ kind: 'command', name: 'a', program: 'b' }], [0, 'program']],
    ['a hook without a key', [{ kind: 'webhook', name: 'a', url: 'https://a.example/' }], [0, 'secretFile']],
    [
      'waits that cross',
      [{ kind: 'command', name: 'a', program: '/b', retryMinMs: 99, retryMaxMs: 98 }],
      [0, 'retryMaxMs'],
    ],
  ])('%s', (_, written, path) => {
    expect(deliveryOptions.safeParse(written).error?.issues.map((issue) => issue.path)).toEqual([path]);
  });

  test('without the log, with their place', async () => {
    const { problems } = await load(`${ONE}audit: { requirement: off }\n`);
    expect(problems).toEqual(['sallyport.yaml:3:1 follow the audit log, and audit.requirement is off']);
  });

  test('a name that there is not, in a users file too', async () => {
    const { problems } = await load(`${ONE}directories:\n  - path: /in\n    intake: { deliver: [out, aut] }\n`);
    expect(problems).toEqual(['sallyport.yaml:7:30 there is no delivery aut; did you mean out?']);
    const users = 'users:\n  - name: alice\n    home: home\n    intake: { deliver: [nope] }\n';
    const theirs = await load(`${ONE}users_file: users.yaml\n`, { 'users.yaml': users });
    expect(theirs.problems).toEqual(['users.yaml:4:25 there is no delivery nope']);
  });

  test('secrets that are missing, and authorities that are none', async () => {
    const ftps = '{ kind: ftps, name: a, host: a.example, user: a, password_file: missing, ca_file: ca.pem }';
    const { problems } = await load(`deliveries:\n  - ${ftps}\n`, { 'ca.pem': 'none' });
    expect(problems).toEqual([
      expect.stringMatching(/^sallyport\.yaml:4:\d+ .*(?:no such file|does not exist)/i),
      expect.stringMatching(/^sallyport\.yaml:4:\d+ holds no certificate/),
    ]);
  });
});

test('paths are relative to the file, and what was checked passes the check again', async () => {
  const hook = '{ kind: webhook, name: h, url: https://h.example.com/, ca_file: ca.pem, secret_file: key }';
  const { loaded, folder } = await load(`deliveries:\n  - ${hook}\n`, {
    'ca.pem': (await testCertificates()).caCert,
    key: 'secret\n',
  });
  const options = loaded.ok ? loaded.options.deliveries : [];
  expect(options).toMatchObject([{ caFile: join(folder, 'ca.pem'), secretFile: join(folder, 'key') }]);
  expect(deliveryOptions.parse(options)).toEqual(options);
});

describe('docs', () => {
  test('every example of the page is right', async () => {
    const { caCert, clientCert, clientKey } = await testCertificates();
    const blocks = blocksOf('yaml');
    expect(blocks.length).toBe(5);
    for (const block of blocks) {
      const { problems } = await load(block, {
        ...{ 'hook.key': 'secret\n', 'hooks-ca.pem': caCert, 'headquarters.password': 'secret\n' },
        ...{ 'headquarters-ca.pem': caCert, 'branch-7.crt': clientCert, 'branch-7.key': clientKey },
      });
      expect(problems, block).toEqual([]);
    }
  });

  needs('python3')('the receiver of the page verifies what is signed, and nothing else', async () => {
    const [script = ''] = blocksOf('python');
    const folder = await temporaryFolder({ 'verify.py': script, 'hook.key': 'the key\n' });
    const body = JSON.stringify({ key: 'abc.out', record: { object: { path: '/in/Zürich' } } });
    const verify = (timestamp: number, signature: string, sent = body) => {
      const headers = [`X-Sallyport-Timestamp: ${timestamp}`, `X-Sallyport-Signature: ${signature}`];
      const args = [join(folder, 'verify.py'), join(folder, 'hook.key'), ...headers];
      const { stdout, stderr } = spawnSync('python3', args, { input: sent, encoding: 'utf8' });
      return stdout.trim() || (stderr.trim().split('\n').at(-1) ?? '');
    };
    const now = Math.floor(Date.now() / 1_000);
    const signed = (time: number) => hookSignature('the key', String(time), body);
    expect(verify(now, signed(now))).toBe('abc.out /in/Zürich');
    expect(verify(now, signed(now), body.replace('/in', '/on'))).toMatch(/the signature is wrong/);
    expect(verify(now + 1, signed(now))).toMatch(/the signature is wrong/);
    expect(verify(now, hookSignature('another key', String(now), body))).toMatch(/the signature is wrong/);
    expect(verify(now, '')).toMatch(/the signature is wrong/);
    expect(verify(now - 3_600, signed(now - 3_600))).toMatch(/the request is old/);
  });

  test('docs/metrics.md has every number, and no other', async () => {
    const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name).sort();
    const told = await new Metrics(() => undefined).text();
    expect(names(page('metrics.md'), /^\| `(sallyport_\w+)` \|/gm)).toEqual(names(told, /^# TYPE (\w+) /gm));
  });
});
