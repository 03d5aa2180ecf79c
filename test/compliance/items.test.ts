/** Every item of the report can pass and can fail, by a configuration as an operator writes it. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FRAMEWORKS } from '../../src/compliance/frameworks.ts';
import { COMPLIANCE_ITEM_IDS } from '../../src/config/compliance-items.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { account, CASES, inventory } from './cases.ts';
import { evaluated } from './evaluate.ts';

/** The question that an item asks: the longest that its id ends with. */
function questionOf(id: string): string | undefined {
  const fitting = Object.keys(CASES).filter((question) => id.endsWith(`-${question}`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

const items = FRAMEWORKS.flatMap(({ items }) => items);

test('the ids that a configuration may name are those of the tables, each once', () => {
  expect(items.map(({ id }) => id).sort()).toEqual([...COMPLIANCE_ITEM_IDS].sort());
  const all = [...items, ...FRAMEWORKS.flatMap(({ undecided }) => undecided)].map(({ id }) => id);
  expect(new Set(all).size).toBe(all.length);
  expect(all.filter((id) => !FRAMEWORKS.some((framework) => id.startsWith(`${framework.id}-`)))).toEqual([]);
});

test('every item asks a question that has its two configurations, and none is left over', () => {
  const asked = items.map(({ id }) => questionOf(id));
  expect(asked).not.toContain(undefined);
  expect([...new Set(asked)].sort()).toEqual(Object.keys(CASES).sort());
});

test('items that ask the same question ask it by the same check', () => {
  const checks = Map.groupBy(items, ({ id }) => questionOf(id));
  for (const those of checks.values()) expect(new Set(those.map(({ check }) => check)).size).toBe(1);
});

describe.each(Object.entries(CASES))('%s', (question, { passes, fails, otherwise = 'fail' }) => {
  const ids = items.map(({ id }) => id).filter((id) => questionOf(id) === question);

  test(`comes to ${otherwise}`, async () => {
    const { verdictOf, report } = await evaluated(fails);
    expect(ids.map(verdictOf)).toEqual(ids.map(() => otherwise));
    expect(evidenceOf(report, ids[0])).not.toEqual([]);
  });

  test('passes, with what was seen', async () => {
    const { verdictOf, report } = await evaluated(passes);
    expect(ids.map(verdictOf)).toEqual(ids.map(() => 'pass'));
    expect(evidenceOf(report, ids[0])).not.toEqual([]);
  });
});

function evidenceOf({ frameworks }: Awaited<ReturnType<typeof evaluated>>['report'], id: string | undefined) {
  const all = frameworks.flatMap(({ items, undecided }) => [...items, ...undecided]);
  return all.find((one) => one.id === id)?.evidence;
}

const { files } = await testCertificates();
const CLIENTS = { client_certificate: 'required', client_ca_file: files.caCert };
const CERTIFICATE = { type: 'certificate', user_from: 'common_name' };

const keptFor = (days: number) => ({ retain_days: days });
const inbox = account({ intake: { profile: 'inbox' } });
const twice = (...days: readonly number[]) =>
  days.map((count, index) => account({ name: `a${index}`, permissions: 'eldw', intake: keptFor(count) }));
const other = (more: Readonly<Record<string, unknown>>) => account({ name: 'other', ...more });
const linked = {
  prepare: (folder: string) => symlink(join(folder, 'home'), join(folder, 'link')).then(() => ({})),
};
const made = (...names: readonly string[]) => ({
  prepare: (folder: string) => mkdir(join(folder, ...names)).then(() => ({})),
});
const secret = {
  prepare: (folder: string) =>
    writeFile(join(folder, 'secret'), 'a secret that is long enough to be one', { mode: 0o600 }).then(() => ({})),
};
const hook = { kind: 'webhook', name: 'hook', secret_file: 'secret' };
const icapAt = (host: string) => ({
  ...{ kind: 'icap', name: 'scan', url: `icap://${host}:1344/avscan`, clear_text_allowed: true },
});
const hashed = (hash: string) => ({ config: { users: [account({ password_hash: hash })] } });
const [SALT, TAG] = ['CQuo7eIV8f+dSFqAQlr6jA', 'AAjeXFIsvsr0uttTgb+azCnL8auoolTCuqbGPU6/J7Q'];
const bcrypt = (rounds: string) => `$2b$${rounds}$${'a'.repeat(53)}`;
const argon2id = (costs: string) => `$argon2id$v=19$${costs}$${SALT}$${TAG}`;
const scrypt = (costs: string) => `$scrypt$${costs}$${SALT}$${TAG}`;
const WEAK_HASHES = [
  ...[bcrypt('04'), bcrypt('09'), argon2id('m=8,t=1,p=1'), argon2id('m=19456,t=1,p=1'), argon2id('m=4096,t=16,p=1')],
  ...[scrypt('ln=10,r=8,p=1'), scrypt('ln=14,r=8,p=1'), scrypt('ln=10,r=128,p=16')],
];
const STRONG_HASHES = [
  ...[bcrypt('10'), argon2id('m=19456,t=2,p=1'), argon2id('m=47104,t=1,p=1'), argon2id('m=7168,t=5,p=1')],
  ...[scrypt('ln=17,r=8,p=1'), scrypt('ln=14,r=8,p=5')],
];

describe('what is seen decides', () => {
  const directory = {
    type: 'ldap',
    url: 'ldaps://ldap.example',
    bind_dn: 'uid={user},dc=example',
    account: { home: 'home' },
  };

  test.each([
    // A gate that is no scanner may still be one: nobody here knows.
    [
      'malware-gates',
      'not_decided',
      {
        config: {
          gates: [{ kind: 'command', name: 'own', program: '/bin/true' }],
          intake: { gates: ['own'] },
          users: [account()],
        },
      },
    ],
    ['malware-gates', 'not_applicable', { config: { users: [account({ permissions: 'elr' })] } }],
    ['malware-gates', 'not_applicable', { config: { users: [account({ enabled: false })] } }],
    // The template of a directory's accounts takes uploads too.
    [
      'malware-gates',
      'fail',
      { config: { authentication: [{ ...directory, account: { home: 'home', permissions: 'elw' } }] } },
    ],
    // A profile takes letters away: nothing arrives in an outbox.
    ['malware-gates', 'not_applicable', { config: { users: [account({ intake: { profile: 'outbox' } })] } }],
    // Below a section that does not reach further down, what stands further out holds.
    [
      'malware-gates',
      'fail',
      {
        config: {
          gates: [{ kind: 'clamd', name: 'c', socket: '/run/c' }],
          users: [
            account({
              permissions: 'el',
              directories: [
                { path: '/in', permissions: 'elw', recursive: true },
                { path: '/in/a', recursive: false, intake: { gates: ['c'] } },
              ],
            }),
          ],
        },
      },
    ],
    ['own-names', 'pass', { config: { authentication: [directory] } }],
    ['password-hashes', 'not_applicable', {}],
    [
      'password-hashes',
      'not_decided',
      { config: { users: [account()], authentication: [{ type: 'users' }, directory] } },
    ],
    ['second-factor', 'fail', { config: { authentication: [directory] } }],
    ['second-factor', 'pass', { config: { authentication: [{ ...directory, totp: 'required' }] } }],
    [
      'second-factor',
      'pass',
      { config: { users: [account()], authentication: [{ type: 'users', totp: 'required' }] } },
    ],
    // A secret that is not asked for is none.
    [
      'second-factor',
      'fail',
      {
        config: {
          users: [account({ totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })],
          authentication: [{ type: 'users', totp: 'off' }],
        },
      },
    ],
    ['second-factor', 'not_applicable', {}],
    // A certificate of the name and its password are two things; one that everybody has is none.
    [
      'second-factor',
      'pass',
      { tls: CLIENTS, config: { users: [account()], authentication: [CERTIFICATE, { type: 'users' }] } },
    ],
    [
      'second-factor',
      'fail',
      { tls: CLIENTS, config: { users: [account()], authentication: [{ type: 'users' }, CERTIFICATE] } },
    ],
    [
      'second-factor',
      'fail',
      {
        tls: CLIENTS,
        config: { users: [account()], authentication: [{ ...CERTIFICATE, users: ['other'] }, { type: 'users' }] },
      },
    ],
    [
      'second-factor',
      'fail',
      {
        tls: CLIENTS,
        config: { authentication: [{ ...CERTIFICATE, password: 'not_needed', account: { home: 'home' } }] },
      },
    ],
    ['second-factor', 'fail', { tls: CLIENTS, config: { users: [account({ client_certificate: 'required' })] } }],
    [
      'second-factor',
      'pass',
      { tls: CLIENTS, config: { users: [account({ certificate_fingerprints: ['a'.repeat(64)] })] } },
    ],
    ['metrics', 'not_applicable', {}],
    ['metrics', 'fail', { config: { metrics: { host: '::', port: 9_100 } } }],
    ['metrics', 'pass', { config: { metrics: { host: '::1', port: 9_100 } } }],
    ['metrics', 'fail', { config: { metrics: { host: '172.32.0.1', port: 9_100 } } }],
    ['deliveries', 'not_applicable', {}],
    ['log-verifies', 'not_decided', {}],
    ['log-verifies', 'fail', { config: { audit: { requirement: 'off' } } }],
    ['inactive-accounts', 'not_applicable', {}],
    ['inactive-accounts', 'not_decided', { config: { users: [account()] } }],
    // What was never seen may be new.
    ['inactive-accounts', 'not_decided', { config: { users: [account()] }, ...inventory({}) }],
    ['inactive-accounts', 'not_decided', { config: { users: [account()] }, ...inventory({}, { sinceDays: 30 }) }],
    ['inactive-accounts', 'pass', { config: { users: [account()] }, ...inventory({ acme: 1 }, { sinceDays: 30 }) }],
    ['close-notify', 'fail', { config: { tls_data_required: false } }],
    [
      'session-reuse',
      'fail',
      { config: { authentication: [{ ...directory, account: { home: 'home', session_reuse: 'off' } }] } },
    ],
    ['session-reuse', 'pass', { config: { users: [account({ enabled: false, session_reuse: 'off' })] } }],
    // A connection in clear text belongs to nobody.
    ['session-reuse', 'fail', { config: { tls_data_required: false } }],
    // Days that end, and letters that change things then: whether that is long enough somebody else has to say.
    ['write-once', 'not_decided', { config: { users: [account({ permissions: 'elradfmw', intake: keptFor(1) })] } }],
    ['write-once', 'not_decided', { config: { users: [account({ permissions: 'eldw', intake: keptFor(400) })] } }],
    ['write-once', 'pass', { config: { users: [account({ overwrite: 'keep', intake: keptFor(1) })] } }],
    ['write-once', 'fail', { config: { users: [account({ permissions: 'eldw', overwrite: 'keep' })] } }],
    ['write-once', 'pass', { config: { users: [inbox] } }],
    // Another account at the same directory, above it or below it.
    ['write-once', 'fail', { config: { users: [inbox, other({ permissions: 'elrd' })] } }],
    ['write-once', 'fail', { config: { users: [inbox, other({ permissions: 'elrd', home: '.' })] } }],
    [
      'write-once',
      'fail',
      { ...made('home', 'in'), config: { users: [inbox, other({ permissions: 'elrd', home: 'home/in' })] } },
    ],
    ['write-once', 'fail', { ...linked, config: { users: [inbox, other({ permissions: 'elrd', home: 'link' })] } }],
    [
      'write-once',
      'not_decided',
      {
        config: {
          users: [{ ...inbox, intake: { profile: 'inbox', retain_days: 30 } }, other({ permissions: 'elrd' })],
        },
      },
    ],
    ['write-once', 'pass', { config: { users: [inbox, other({ permissions: 'elr' })] } }],
    [
      'write-once',
      'pass',
      { ...made('away'), config: { users: [inbox, other({ permissions: 'elrd', home: 'away' })] } },
    ],
    ['write-once', 'pass', { config: { users: [inbox, other({ permissions: 'elrd', enabled: false })] } }],
    [
      'write-once',
      'pass',
      {
        config: {
          users: [
            inbox,
            other({ permissions: 'elrd', home: '.', directories: [{ path: '/home', permissions: 'elr' }] }),
          ],
        },
      },
    ],
    ['retention', 'not_decided', { config: { users: [account({ intake: keptFor(364) })] } }],
    ['file-modes', 'fail', { config: { users: [account({ permissions: 'elwM' })] } }],
    ['file-modes', 'pass', { config: { users: [account({ permissions: 'elwM', enabled: false })] } }],
    ['file-modes', 'pass', { config: { users: [account({ permissions: 'elwM', intake: { profile: 'inbox' } })] } }],
    ...WEAK_HASHES.map((hash) => ['password-hashes', 'fail', hashed(hash)] as const),
    ...STRONG_HASHES.map((hash) => ['password-hashes', 'pass', hashed(hash)] as const),
    // On this machine nobody listens, whatever the option says.
    ['other-servers', 'pass', { config: { gates: [icapAt('127.0.0.1')] } }],
    ['other-servers', 'pass', { config: { gates: [icapAt('[::1]')] } }],
    ['other-servers', 'fail', { config: { gates: [icapAt('192.0.2.7')] } }],
    ['deliveries', 'pass', { ...secret, config: { deliveries: [{ ...hook, url: 'http://127.0.0.1:8080/' }] } }],
    ['tls-inventory', 'not_decided', { tls: { inventory_file: 'inventory.json' } }],
    ['other-servers', 'not_applicable', {}],
    [
      'other-servers',
      'fail',
      { config: { authentication: [{ ...directory, url: 'ldap://ldap.example', passwords_in_clear: true }] } },
    ],
    ['data-peers', 'pass', { config: { active: { enabled: false, privileged_ports: true } } }],
    ['data-peers', 'fail', { config: { passive: { foreign_addresses: ['192.0.2.0/24'] } } }],
  ] as const)('%s comes to %s, case %#', async (question, verdict, one) => {
    const ids = items.map(({ id }) => id).filter((id) => questionOf(id) === question);
    const { verdictOf } = await evaluated(one);
    expect(ids.map(verdictOf)).toEqual(ids.map(() => verdict));
  });

  test.each([
    ['nist-800-53-si-7-write-once', 'the shortest retain_days', 7, { config: { users: twice(30, 7) } }],
    ['nist-800-53-si-12-retention', 'the shortest retain_days', 7, { config: { users: twice(400, 7) } }],
    ['nist-800-53-ia-5.1-password-hashes', 'hashes of enabled accounts', '1 of bcrypt 2^4', hashed(bcrypt('04'))],
    [
      'nist-800-53-ia-5.1-password-hashes',
      'accounts with weak ones',
      'acme (argon2id m=8,t=1)',
      hashed(argon2id('m=8,t=1,p=1')),
    ],
    [
      'nist-800-53-si-7-write-once',
      'of them where uploads can be changed or deleted',
      'acme:/ by other',
      { config: { users: [inbox, other({ permissions: 'elrd' })] } },
    ],
  ] as const)('%s tells %s', async (id, option, value, one) => {
    expect(evidenceOf((await evaluated(one)).report, id)).toContainEqual({ option, value });
  });

  test('a host may say otherwise of a place', async () => {
    const config = {
      gates: [{ kind: 'clamd', name: 'clam', socket: '/run/clamd.sock' }],
      intake: { gates: ['clam'] },
      users: [account(), account({ name: 'other' })],
    };
    const host = {
      name: 'localhost',
      certificate_file: files.cert,
      key_file: files.key,
      intake: { gates: [] },
      users: ['acme'],
    };
    const { facts, verdictOf } = await evaluated({ config: { ...config, hosts: [host] } });
    const open = facts.uploads.filter(({ intake }) => intake.gates.length === 0);
    expect(open.map((place) => [place.account, place.host, place.path])).toEqual([['acme', 'localhost', '/']]);
    expect(verdictOf('pci-dss-5.3.2-malware-gates')).toBe('fail');
  });
});
