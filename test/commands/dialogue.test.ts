/** What each command answers when all is well, as a table; transfers have tests of their own. */
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { UTF_8 } from '../../src/spi/charset.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { SessionChange } from '../../src/spi/session.ts';
import { FakeDataPort, TLS } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, type Scene, say, WITH_MODE_Z } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { isForeseen } from './listed-replies.ts';

const inDirectory: Scene = {
  files: new MemoryFiles().put('/dir/a.txt', 'hello').put('/dir/sub/b "c".txt', '').putPartial('/dir/part', 'half'),
  session: { cwd: at('/dir') },
};
const overIpv6: Scene = {
  session: { local: { address: '2001:db8::2', port: 21 }, peer: { address: '2001:db8::1', port: 50_000 } },
};

const hosted: Scene = {
  session: { login: { state: 'ExpectUser' } },
  context: { greetingOf: (name) => (name === 'a.example' ? 'This is A.' : undefined) },
};

/** The charset of a member whose client does not know UTF-8. */
const LATIN = { ...UTF_8, name: 'latin' };

type Row = readonly [line: string, scene: Scene, reply: string, change?: SessionChange];

const ANSWERS: readonly Row[] = [
  ['AUTH tls', { session: { controlTls: undefined } }, '234 AUTH TLS', { kind: 'StartTls', protection: 'C' }],
  ['AUTH SSL', { session: { controlTls: undefined } }, '234', { kind: 'StartTls', protection: 'P' }],
  ['AUTH TLS-P', { session: { controlTls: undefined } }, '234', { kind: 'StartTls', protection: 'P' }],
  ['AUTH TLS-C', { session: { controlTls: undefined } }, '234', { kind: 'StartTls', protection: 'C' }],
  ['PBSZ 0', { session: { pbszSeen: false } }, '200 PBSZ=0', { kind: 'SeePbsz' }],
  ['PBSZ 32768', {}, '200 PBSZ=0', { kind: 'SeePbsz' }],
  ['PROT c', {}, '200 Protection level is C.', { kind: 'SetProtection', level: 'C' }],
  ['PROT P', {}, '200', { kind: 'SetProtection', level: 'P' }],
  ['USER bob', {}, '331', { kind: 'NameUser', user: 'bob' }],
  ['ACCT x', {}, '202'],
  ['REIN', { session: { controlTls: undefined } }, '220', { kind: 'Reinitialise' }],
  ['QUIT', {}, '221', { kind: 'Close' }],
  ['PASV', {}, '227 Entering Passive Mode (192,0,2,2,195,81).'],
  ['EPSV', {}, '229 Entering Extended Passive Mode (|||50001|)'],
  ['EPSV 1', {}, '229'],
  ['EPSV 2', overIpv6, '229'],
  ['EPSV', { session: { epsvAll: true } }, '229'],
  ['EPSV all', {}, '200', { kind: 'SetEpsvAll' }],
  ['TYPE a', {}, '200 Type is A.', { kind: 'SetType', type: 'A' }],
  ['TYPE A N', {}, '200', { kind: 'SetType', type: 'A' }],
  ['TYPE I', {}, '200', { kind: 'SetType', type: 'I' }],
  ['TYPE L 8', {}, '200', { kind: 'SetType', type: 'I' }],
  ['MODE s', {}, '200', { kind: 'SetMode', mode: 'S' }],
  ['MODE z', { context: { policy: WITH_MODE_Z } }, '200 Mode is Z.', { kind: 'SetMode', mode: 'Z' }],
  ['OPTS mode z level 0', { context: { policy: WITH_MODE_Z } }, '200', { kind: 'SetDeflateLevel', level: 0 }],
  ['OPTS UTF8 off', { account: { charset: LATIN } }, '200 Names are latin.', { kind: 'AskUtf8', asked: false }],
  ['STRU F', {}, '200'],
  ['REST 0', {}, '350', { kind: 'SetRestart', offsetBytes: 0 }],
  // RFC 3659 section 5.3: the transfer, not REST, says what is wrong with a position.
  ['REST 802816', { session: { type: 'A' } }, '350', { kind: 'SetRestart', offsetBytes: 802_816 }],
  ['ALLO 10', {}, '200'],
  ['ALLO 10 R 80', {}, '200'],
  ['OPTS UTF8 ON', {}, '200', { kind: 'AskUtf8', asked: true }],
  ['OPTS utf8 on', { session: { login: { state: 'ExpectUser' } } }, '200', { kind: 'AskUtf8', asked: true }],
  ['OPTS MLST size;TYPE;frogs;', {}, '200 MLST OPTS type;size;', { kind: 'SetMlstFacts', facts: ['type', 'size'] }],
  ['OPTS MLST', {}, '200 MLST OPTS', { kind: 'SetMlstFacts', facts: [] }],
  ['CWD sub', inDirectory, '250', { kind: 'ChangeDirectory', path: at('/dir/sub') }],
  ['XCWD ../../..', inDirectory, '250', { kind: 'ChangeDirectory', path: at('/') }],
  ['CDUP', inDirectory, '250', { kind: 'ChangeDirectory', path: at('/') }],
  ['XPWD', inDirectory, '257 "/dir" is the current directory.'],
  ['PWD', { session: { cwd: at('/a "b"') } }, '257 "/a ""b"""'],
  ['RNFR a.txt', inDirectory, '350', { kind: 'SetRenameFrom', path: at('/dir/a.txt') }],
  ['SIZE a.txt', inDirectory, '213 5'],
  // Nothing is published under the name yet: here the upload goes on.
  ['SIZE part', inDirectory, '213 4'],
  ['MDTM a.txt', inDirectory, '213 20260101000000'],
  ['SYST', {}, '215 UNIX Type: L8'],
  ['NOOP', {}, '200'],
  ['NOOP anything', {}, '200'],
  ['HELP prot', {}, '214 Syntax: PROT C|P (RFC 4217 section 9)'],
  ['HELP XMKD', {}, '214 Syntax: MKD path (RFC 959 section 4.1.3). Permissions: m'],
  ['HELP cpto', {}, "214 Syntax: CPTO path (ProFTPD's mod_copy). Permissions: r; w"],
  ['HELP SITE', {}, '214-Syntax: SITE command [arguments] (RFC 959 section 4.1.3)\r\n SITE CHMOD mode path\r\n'],
  ['HELP site chmod', {}, '214 Syntax: SITE CHMOD mode path (no document; common practice). Permissions: M'],
  ['HELP ccc', {}, '214 CCC is refused. The control channel stays protected'],
  ['HOST A.Example', hosted, '220 This is A.', { kind: 'SetHost', host: 'a.example', keepsCertificate: true }],
  ['HOST 192.0.2.2', hosted, '220', { kind: 'SetHost', host: '192.0.2.2', keepsCertificate: true }],
  ['LANG', {}, '200'],
  ['CLNT NcFTP', {}, '200', { kind: 'SetClientName', name: 'NcFTP', verb: 'CLNT' }],
  ['CSID name = X; VERSION=2', {}, '200 Name=Sallyport;', { kind: 'SetClientName', name: 'X 2', verb: 'CSID' }],
];

test.each(ANSWERS.map((row) => ({ line: row[0], row })))(
  '$line is answered',
  async ({ row: [line, scene, reply, change] }) => {
    const answer = await say(line, scene);
    expect(answer.text.startsWith(reply), answer.text).toBe(true);
    expect(answer.change).toEqual(change);
    expect(isForeseen(line, answer.code), `${answer.code} stands neither in section 5.4 nor on docs/rfc.md`).toBe(true);
  },
);

test.each([
  ['LoginIncorrect', 530, { kind: 'FailLogin' }],
  ['Busy', 421, undefined],
  ['TooManyConnections', 421, undefined],
] as const)('PASS that ends in %s is answered %i', async (kind, code, change) => {
  const authenticate = async () => {
    throw new Fault(kind);
  };
  const answer = await say('PASS x', {
    session: { login: { state: 'ExpectPass', user: 'bob' } },
    context: { authenticate },
  });
  expect(answer).toMatchObject({ code, notes: { user: 'bob' } });
  expect(answer.change).toEqual(change);
});

test('PASS takes the password as it was typed, spaces and all', async () => {
  const account = member();
  const asked: string[] = [];
  const authenticate = async (user: string, password: string) => {
    asked.push(user, password);
    return account;
  };
  const answer = await say('PASS  two spaces ', {
    session: { login: { state: 'ExpectPass', user: 'bob' } },
    context: { authenticate },
  });
  expect(asked).toEqual(['bob', ' two spaces ']);
  expect(answer).toMatchObject({ code: 230, change: { kind: 'LogIn', account } });
  expect(JSON.stringify(answer.notes)).not.toContain('spaces');
});

test('PORT and EPRT remember the client as the target', async () => {
  const data = new FakeDataPort();
  expect((await say('PORT 192,0,2,1,195,80', { data })).code).toBe(200);
  expect((await say('EPRT |1|192.0.2.1|50001|', { data })).code).toBe(200);
  expect((await say('EPRT |2|2001:DB8:0::1|50002|', { ...overIpv6, data })).code).toBe(200);
  expect(data.calls).toEqual(['target 192.0.2.1 50000', 'target 192.0.2.1 50001', 'target 2001:db8::1 50002']);
});

test('ABOR closes the data channel', async () => {
  const data = new FakeDataPort();
  expect((await say('ABOR', { data })).code).toBe(226);
  expect(data.calls).toEqual(['close']);
});

test('MKD, RNTO, MFMT, SITE CHMOD, SITE UTIME, DELE and RMD do what they say', async () => {
  const files = new MemoryFiles().put('/a.txt', 'hello');
  const facts = (path: string) => files.stat(at(path));
  expect((await say('MKD new "dir"', { files })).text).toBe('257 "/new ""dir""" created.');
  const renamed = await say('RNTO /new "dir"/b.txt', { files, session: { renameFrom: at('/a.txt') } });
  expect(renamed).toMatchObject({ code: 250, notes: { path: '/a.txt', to: '/new "dir"/b.txt' } });
  const scene: Scene = { files, session: { cwd: at('/new "dir"') } };
  expect((await say('MFMT 20020717210715 b.txt', scene)).text).toBe('213 Modify=20020717210715; b.txt');
  expect((await facts('/new "dir"/b.txt')).modifiedMs).toBe(Date.UTC(2002, 6, 17, 21, 7, 15));
  expect((await say('SITE chmod 0640 b.txt', scene)).code).toBe(200);
  expect((await facts('/new "dir"/b.txt')).mode).toBe(0o640);
  for (const [line, seconds] of [
    ['SITE UTIME 200207172107 b.txt', 0],
    ['SITE UTIME 20020717210709 b.txt', 9],
    ['SITE UTIME b.txt 20010101000000 20020717210711 20010101000000 UTC', 11],
  ] as const) {
    expect((await say(line, scene)).code).toBe(200);
    expect((await facts('/new "dir"/b.txt')).modifiedMs).toBe(Date.UTC(2002, 6, 17, 21, 7, seconds));
  }
  expect((await say('DELE b.txt', scene)).code).toBe(250);
  expect((await say('XRMD /new "dir"', { files })).code).toBe(250);
  await expect(facts('/new "dir"')).rejects.toMatchObject({ kind: 'NoSuchFile' });
});

test('FEAT names what goes beyond RFC 959, each on a line of its own behind one space', async () => {
  const { text } = await say('FEAT', { session: { mlstFacts: ['type', 'size'] } });
  expect(text.split('\r\n')).toEqual([
    '211-Features:',
    ' AUTH TLS',
    ' PBSZ',
    ' PROT',
    ' HOST',
    ' LANG EN*',
    ' CLNT',
    ' CSID Name; Version;',
    ' EPSV',
    ' EPRT',
    ' REST STREAM',
    ' UTF8',
    ' MLST type*;size*;modify;create;perm;unique;UNIX.mode;UNIX.owner;UNIX.group;media-type;',
    ' SIZE',
    ' MDTM',
    ' MFMT',
    ' MFF Modify;UNIX.mode;',
    ' COMB',
    ' HASH SHA-256*;SHA-512;SHA-1;MD5;CRC32',
    ' RANG STREAM',
    ' XSHA256',
    ' XSHA512',
    ' XSHA1',
    ' XSHA',
    ' XMD5',
    ' XCRC',
    ' TVFS',
    ' RMDA',
    ' AVBL',
    ' DSIZ',
    ' SITE COPY',
    '211 End',
  ]);
});

test('HELP lists every verb once, and marks those that are refused', async () => {
  const { text } = await say('HELP');
  expect(text.match(/\b[A-Z]+\*/g)?.sort()).toEqual(['ADAT*', 'CCC*', 'CONF*', 'ENC*', 'MIC*', 'SMNT*']);
  for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(80);
  for (const verb of ['AUTH', 'STOR', 'MLSD', 'SITE'])
    expect(text.match(new RegExp(`\\b${verb}\\b`, 'g'))).toHaveLength(1);
  expect((await say('SITE HELP')).text).toContain('CHMOD mode path');
});

/** Nothing that can be switched off is on, and storage can do nothing that not every storage can. */
const BARE: Scene['context'] = { policy: { ...contextWith({}).policy, modeZ: false, activeEnabled: false } };

test.each([
  ['PORT', 'PORT 192,0,2,1,195,80'],
  ['EPRT', 'EPRT |1|192.0.2.1|50000|'],
  ['MFCT', 'MFCT 20260101000000 a.txt'],
  ['SITE SYMLINK', 'SITE SYMLINK a.txt b.txt'],
])('%s stands in no list where it is switched off, and is answered 502', async (verb, line) => {
  const data = Object.assign(new FakeDataPort(), {
    target: () => {
      throw new Fault('NotImplemented');
    },
  });
  expect((await say(line, { context: BARE, data })).code).toBe(502);
  const lists = await Promise.all(
    ['HELP', 'FEAT', 'SITE HELP', 'HELP SITE'].map((list) => say(list, { context: BARE })),
  );
  const name = new RegExp(`\\b${verb.replace('SITE ', '')}\\b`);
  for (const { text } of lists) expect(text).not.toMatch(name);
  expect((await say(`HELP ${verb}`, { context: BARE })).code).toBe(502);
});

test('what is switched on stands in the lists', async () => {
  const files = Object.assign(new MemoryFiles(), { setCreated: async () => undefined });
  const context = { policy: { ...WITH_MODE_Z, symlinks: true } };
  const [help, feat, site, helpSite] = await Promise.all(
    ['HELP', 'FEAT', 'SITE HELP', 'HELP SITE'].map(async (list) => (await say(list, { context, files })).text),
  );
  expect(help).toMatch(/\bPORT\b.*\bEPRT\b/);
  expect(help).toMatch(/\bMFCT\b/);
  for (const line of ['EPRT', 'MODE Z', 'MFCT', 'SITE COPY', 'SITE SYMLINK'])
    expect(feat).toContain(`\r\n ${line}\r\n`);
  expect(site).toContain('\r\n SYMLINK target link\r\n');
  expect(helpSite).toContain('\r\n SITE SYMLINK target link\r\n');
});

test('a command of the table that can be switched off is one of those four', () => {
  const all = COMMANDS.flatMap((command) => [command, ...(command.subcommands ?? [])]);
  const verbs = all.filter(({ offered }) => offered !== undefined).map(({ verb }) => verb);
  expect(verbs.sort()).toEqual(['EPRT', 'MFCT', 'PORT', 'SITE SYMLINK']);
});

test('STAT tells of the session, and of a transfer that runs', async () => {
  const idle = await say('STAT', {
    session: { login: { state: 'ExpectUser' }, controlTls: undefined, protection: 'C' },
  });
  expect(idle.text).toContain('Not logged in, from 192.0.2.1');
  expect(idle.text).toContain('Control channel: clear');
  const busy = await say('STAT', { context: { transfer: { verb: 'STOR', bytesMoved: 1234 } } });
  expect(busy.code).toBe(211);
  expect(busy.text).toContain('Logged in as alice from 192.0.2.1');
  expect(busy.text).toContain(`${TLS.version}, ${TLS.suite}`);
  expect(busy.text).toContain('PROT P');
  expect(busy.text).toContain('STOR is running: 1234 bytes so far');
});
