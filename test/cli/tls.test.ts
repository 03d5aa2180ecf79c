/** `sallyport tls`: what it refuses, what it shows, and how it ends. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { TlsRecordData } from '../../src/modules/tls-record.ts';
import { selfSigned, temporaryFolder } from '../config/temporary-folder.ts';
import { fakeTerminal, run } from './fake-terminal.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const ago = (days: number) => NOW_MS - days * DAY_MS;
const date = (days: number) => new Date(ago(days)).toISOString().slice(0, 10);
const times = (count: number, firstDays: number, lastDays: number) => ({
  count,
  firstMs: ago(firstDays),
  lastMs: ago(lastDays),
});

const OLD_SUITE = 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256';
const NEW_SUITE = 'TLS_AES_256_GCM_SHA384';

const RECORD: TlsRecordData = {
  format: 'sallyport-tls-inventory',
  version: 1,
  sinceMs: ago(200),
  savedMs: ago(0),
  dropped: { accounts: 0, strangers: 2 },
  accounts: [
    {
      name: 'old',
      dropped: 3,
      networks: [
        { network: '192.0.2.7', ...times(5, 100, 3) },
        { network: '2001:db8:7::/64', ...times(1, 2, 2) },
      ],
      behaviours: [
        {
          behaviour: {
            channel: 'control',
            version: 'TLSv1.2',
            suite: OLD_SUITE,
            group: 'secp256r1',
            serverName: false,
            certificate: 'none',
            client: 'A program with a rather long name, as a few have them. 1.0.1234',
          },
          ...times(5, 100, 3),
        },
        {
          behaviour: {
            channel: 'data',
            use: 'upload',
            version: 'TLSv1.2',
            suite: OLD_SUITE,
            resumed: false,
            closeNotify: false,
          },
          ...times(12_345_678, 100, 3),
        },
        { behaviour: { channel: 'data', use: 'download', refused: 'session_reuse' }, ...times(1, 2, 2) },
        { behaviour: { channel: 'data', version: 'none', refused: 'protection' }, ...times(1, 2, 2) },
      ],
    },
    {
      name: 'modern',
      dropped: 0,
      networks: [],
      behaviours: [
        {
          behaviour: {
            channel: 'control',
            version: 'TLSv1.3',
            suite: NEW_SUITE,
            group: 'X25519MLKEM768',
            serverName: true,
            certificate: 'not_asked',
          },
          ...times(9, 100, 1),
        },
      ],
    },
    {
      name: 'gone',
      dropped: 0,
      networks: [],
      behaviours: [
        {
          behaviour: {
            channel: 'control',
            version: 'TLSv1.2',
            suite: OLD_SUITE,
            serverName: true,
            certificate: 'not_asked',
          },
          ...times(1, 150, 150),
        },
      ],
    },
  ],
  strangers: [
    { network: '198.51.100.9', why: 'version', ...times(4, 9, 8) },
    { network: '192.0.2.7', why: 'clear_login', ...times(2, 9, 1) },
  ],
};

/** A configuration with an inventory that holds the text, or has none. */
async function configuration(
  text: string | undefined = JSON.stringify(RECORD),
  key = 'inventory_file: inventory.json',
): Promise<string> {
  const { certificate, key: privateKey } = selfSigned(new Date(ago(1)), new Date(ago(-50)));
  const folder = await temporaryFolder({ 'server.crt': certificate, 'server.key': privateKey });
  const users = ['modern', 'never', 'off'].map((name) => ({
    name,
    password_hash: HASH,
    home: name,
    enabled: name !== 'off',
  }));
  for (const { name } of users) await mkdir(join(folder, name));
  if (text !== undefined) await writeFile(join(folder, 'inventory.json'), text);
  const file = join(folder, 'sallyport.yaml');
  const tls = `tls:\n  certificate_file: server.crt\n  key_file: server.key\n  ${key}\n`;
  await writeFile(file, `listen:\n  - port: 2121\n${tls}users: ${JSON.stringify(users)}\n`, { mode: 0o600 });
  return file;
}

/** Runs it on a terminal that is so wide. */
async function shownAt(columns: number, words: readonly string[]): Promise<string> {
  const terminal = fakeTerminal();
  Object.assign(terminal.stdout, { columns });
  await runProgram(words, terminal);
  return terminal.output();
}

describe('wrong use ends with 2 and says what to do', () => {
  test.each([
    [['simulate'], 'name at least one setting'],
    [['simulate', '--min-version', 'TLSv1.1'], 'Allowed choices are'],
    [['simulate', '--suites', 'RC4-MD5'], 'is none that the gateway offers'],
    [['simulate', '--groups', 'x448'], 'is none that the gateway offers'],
    [['simulate', '--close-notify', 'always'], 'Allowed choices are'],
    [['simulate', '--min-version', 'TLSv1.3', '--days', '0'], '1 to 9999'],
    [['inventory', '--user', 'nobody'], 'nobody is no account, and was never seen'],
    [['inventory', '--user', 'never'], 'never was not seen yet'],
    [['inventory', '-c', '/nowhere.yaml'], 'nowhere.yaml'],
  ])('%j', async (words, message) => {
    const file = await configuration();
    const { exitCode, errors, output } = await run(['tls', ...words.slice(0, 1), '-c', file, ...words.slice(1)]);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(message);
  });

  test.each([
    ['no inventory is kept', undefined, 'min_version: TLSv1.2', 'set inventory_file under tls'],
    ['there is none yet', undefined, undefined, 'the gateway writes it within 30 s'],
    ['it is no inventory', '{}', undefined, 'is no inventory: format:'],
  ])('%s', async (_, text, key, message) => {
    const file = await configuration(text ?? 'unused', key);
    if (text === undefined) {
      const { rm } = await import('node:fs/promises');
      await rm(join(file, '..', 'inventory.json'));
    }
    for (const words of [['inventory'], ['simulate', '--min-version', 'TLSv1.3']]) {
      const { exitCode, errors } = await run(['tls', ...words, '-c', file]);
      expect(exitCode).toBe(2);
      expect(errors).toContain(message);
    }
  });

  test('a folder that is not there is a mistake of the configuration', async () => {
    const file = await configuration(undefined, 'inventory_file: missing/inventory.json');
    const { exitCode, errors } = await run(['check', '-c', file]);
    expect(exitCode).toBe(2);
    expect(errors).toMatch(/sallyport\.yaml:6:\d+ tls\.inventory_file: its directory does not exist: .*missing/);
  });
});

test('the inventory as a table', async () => {
  const { exitCode, output } = await run(['tls', 'inventory', '-c', await configuration()]);
  expect(exitCode).toBe(0);
  expect(
    output,
  ).toBe(`TLS as it was seen since ${date(200)}; saved ${new Date(NOW_MS).toISOString().slice(0, 16).replace('T', ' ')} UTC.

gone
    SEEN  FIRST       LAST        WHAT      TLS  HOW
       1  ${date(150)}  ${date(150)}  login     1.2  ECDHE_ECDSA CHACHA20_POLY1305, SNI

modern
    SEEN  FIRST       LAST        WHAT      TLS  HOW
       9  ${date(100)}  ${date(1)}  login     1.3  AES_256_GCM, X25519MLKEM768, SNI

old  from 2001:db8:7::/64, 192.0.2.7
    SEEN  FIRST       LAST        WHAT      TLS  HOW
       5  ${date(100)}  ${date(3)}  login     1.2  ECDHE_ECDSA CHACHA20_POLY1305, secp256r1, no SNI,
                                                 no certificate, client "A program with a rather
                                                 long name, as a few have them. 1.0.1234"
       1  ${date(2)}  ${date(2)}  download  ?    REFUSED 522: not resumed
       1  ${date(2)}  ${date(2)}  attempt   -    in clear, REFUSED 521: without PROT P
12345678  ${date(100)}  ${date(3)}  upload    1.2  ECDHE_ECDSA CHACHA20_POLY1305, not resumed,
                                                 no close_notify
  3 older behaviours were dropped to make room.

Refused before anybody had logged in
    SEEN  FIRST       LAST        FROM          WHY
       2  ${date(9)}  ${date(1)}  192.0.2.7     login in clear, answered 530; from there came old
       4  ${date(9)}  ${date(8)}  198.51.100.9  no version of TLS in common
  2 more were dropped to make room.
`);
});

test.each([72, 80, 100, 300])('nothing is wider than a terminal of %i columns, or than 100', async (columns) => {
  const file = await configuration();
  const texts = [
    await shownAt(columns, ['tls', 'inventory', '-c', file]),
    await shownAt(columns, [
      'tls',
      'simulate',
      '-c',
      file,
      '--profile',
      'modern',
      '--session-reuse',
      'required',
      '--close-notify',
      'required',
    ]),
  ];
  for (const text of texts) {
    expect(text).toContain('old');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(Math.min(columns, 100));
  }
});

test('the inventory of one account as JSON, with times that people can read', async () => {
  const { output } = await run(['tls', 'inventory', '-c', await configuration(), '--user', 'modern', '--json']);
  expect(JSON.parse(output)).toMatchObject({
    version: 1,
    accounts: [{ name: 'modern', behaviours: [{ count: 9, first: new Date(ago(100)).toISOString() }] }],
    strangers: [],
  });
});

describe('simulate', () => {
  test('explains every verdict, and ends with 1 when somebody would break', async () => {
    const words = [
      'tls',
      'simulate',
      '-c',
      await configuration(),
      '--min-version',
      'TLSv1.3',
      '--session-reuse',
      'required',
    ];
    const { exitCode, output, errors } = await run(words);
    expect(exitCode).toBe(1);
    expect(errors).toBe('sallyport: accounts that would break: 1, that might: 0.\n');
    expect(output.split('\n').slice(1).join('\n')).toBe(`
tls.min_version: TLSv1.3
  BREAKS   old     5 logins: TLSv1.2, last ${date(3)}, client "A program with a rather long name, as
                   a few have them. 1.0.1234"; 12345678 uploads: TLSv1.2, last ${date(3)}; 3 older
                   behaviours were dropped from the record
  unknown  gone    not seen since ${date(150)}
  unknown  never   never seen
  fine     modern  9 logins: TLSv1.3, last ${date(1)}

session_reuse: required
  BREAKS   old     1 transfer: not resumed, answered 522, last ${date(2)}; 12345678 uploads: not
                   resumed, last ${date(3)}; 3 older behaviours were dropped from the record
  unknown  gone    not seen since ${date(150)}
  unknown  modern  seen, but no transfer was
  unknown  never   never seen

All together, of 4 accounts: would break 1, might 0, not known 3, fine 0.
`);
  });

  test.each([
    ['nobody breaks', ['--close-notify', 'preferred'], 0],
    ['days are few', ['--min-version', 'TLSv1.3', '--days', '1'], 0],
    ['somebody is not known, strictly', ['--min-version', 'TLSv1.2', '--strict'], 1],
    [
      'a suite is left, in the names of OpenSSL',
      ['--suites', 'ECDHE-ECDSA-CHACHA20-POLY1305,TLS_AES_256_GCM_SHA384'],
      0,
    ],
    ['somebody might break', ['--suites', 'ECDHE-RSA-AES256-GCM-SHA384'], 1],
    ['a group is left', ['--groups', 'secp256r1,x25519mlkem768'], 0],
    ['many days', ['--min-version', 'TLSv1.3', '--days', '160'], 1],
  ])('%s', async (_, words, exitCode) => {
    expect(await run(['tls', 'simulate', '-c', await configuration(), ...words])).toMatchObject({ exitCode });
  });

  test('as JSON: each option with who is in which case and why', async () => {
    const words = ['--profile', 'nist-800-52r2', '--tls-data-required', '--client-certificate', 'required', '--json'];
    const { output } = await run(['tls', 'simulate', '-c', await configuration(), ...words]);
    const { accounts, options } = JSON.parse(output);
    expect(accounts).toEqual([
      { account: 'gone', verdict: 'unknown' },
      { account: 'modern', verdict: 'unknown' },
      { account: 'never', verdict: 'unknown' },
      { account: 'old', verdict: 'breaks' },
    ]);
    const named = (name: string) => options.find(({ option }: { option: string }) => option === name);
    expect(options.map(({ option }: { option: string }) => option)).toEqual([
      'tls.min_version',
      'suites',
      'groups',
      'tls.client_certificate',
      'tls_data_required',
    ]);
    expect(named('suites').might).toMatchObject([
      { account: 'old', evidence: [{ fate: 'in_doubt', what: OLD_SUITE, count: 5 }, { unit: 'upload' }] },
    ]);
    expect(named('tls.client_certificate')).toMatchObject({
      wanted: 'required',
      breaks: [{ account: 'old', evidence: [{ fate: 'refused', count: 5, last: new Date(ago(3)).toISOString() }] }],
      unknown: [
        { account: 'gone' },
        { account: 'modern', why: expect.stringContaining('never asked') },
        { account: 'never' },
      ],
    });
    expect(named('tls_data_required').might).toMatchObject([{ account: 'old' }]);
  });
});

test('the inventory says which policy refused a login or a data connection', async () => {
  const login = { channel: 'control', version: 'TLSv1.3', serverName: true, certificate: 'trusted' };
  const behaviours = [
    { ...login, refused: 'certificate' },
    { ...login, refused: 'post_quantum' },
    { channel: 'data', use: 'upload', refused: 'certificate' },
    { channel: 'data', use: 'upload', refused: 'post_quantum' },
  ];
  const seen = behaviours.map((behaviour) => ({ behaviour, ...times(1, 2, 2) }));
  const accounts = [{ name: 'modern', dropped: 0, networks: [], behaviours: seen }];
  const file = await configuration(JSON.stringify({ ...RECORD, accounts }));
  const { output } = await run(['tls', 'inventory', '-c', file]);
  const words = output.replaceAll(/\s+/g, ' ');
  for (const refusal of [
    'REFUSED 530: not the certificate of the account',
    'REFUSED 530: no post-quantum keys',
    'REFUSED 522: not the certificate of the login',
    'REFUSED 522: no post-quantum keys',
  ]) {
    expect(words).toContain(refusal);
  }
  const simulated = await run(['tls', 'simulate', '-c', file, '--client-certificate', 'required', '--json']);
  expect(JSON.parse(simulated.output).options[0]).toMatchObject({ option: 'tls.client_certificate' });
  expect(simulated.exitCode).toBe(1);
});
