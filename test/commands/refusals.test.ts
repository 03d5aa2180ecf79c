/** What each command refuses, as a table: the line, what is different from a member over TLS, and the reply. */
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { Fault } from '../../src/spi/fault.ts';
import { FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, type Scene, say, WITH_MODE_Z } from '../fakes/say.ts';
import { isForeseen } from './listed-replies.ts';

const clear: Scene = { session: { controlTls: undefined } };
const stranger: Scene = { session: { login: { state: 'ExpectUser' } } };
const overIpv6: Scene = {
  session: { local: { address: '2001:db8::2', port: 21 }, peer: { address: '2001:db8::1', port: 50_000 } },
};
const epsvAll: Scene = { session: { epsvAll: true } };
const ascii: Scene = { session: { type: 'A' } };
const withModeZ: Scene = { context: { policy: WITH_MODE_Z } };
const range = { startBytes: 0, endBytes: 1 };

function full(): Scene {
  const files = new MemoryFiles();
  files.freeBytesLeft = 99;
  return { files };
}

function oneFile(): Scene {
  return { files: new MemoryFiles().put('/dir/a.txt', 'hello') };
}

function unarranged(scene: Scene = oneFile()): Scene {
  const data = new FakeDataPort();
  data.arranged = false;
  return { ...scene, data };
}

const REFUSALS: readonly (readonly [line: string, scene: Scene, reply: string])[] = [
  // security.ts
  ['AUTH', clear, '501'],
  ['AUTH KERBEROS_V4', clear, '504'],
  ['AUTH TLS', {}, '503 TLS is on already.'],
  ['PBSZ 0', clear, '503'],
  ['PBSZ', {}, '501'],
  ['PBSZ much', {}, '501'],
  ['PBSZ -1', {}, '501'],
  ['PBSZ 4294967296', {}, '501'],
  ['PROT P', clear, '503'],
  ['PROT P', { session: { pbszSeen: false } }, '503'],
  ['PROT', {}, '501'],
  ['PROT X', {}, '504'],
  ['PROT S', {}, '536'],
  ['PROT e', {}, '536'],
  // refused.ts
  ['CCC', clear, '533'],
  ['CCC', {}, '534 The control channel stays protected'],
  ['ADAT', {}, '503'],
  ['MIC x', clear, '503'],
  ['MIC x', {}, '537'],
  ['CONF x', {}, '537'],
  ['ENC x', {}, '537'],
  ['SMNT /', {}, '502'],
  // login.ts
  ['USER', stranger, '501'],
  ['PASS secret', stranger, '503'],
  ['PASS secret', {}, '503'],
  ['ACCT', {}, '501'],
  ['REIN now', {}, '501'],
  ['REIN', {}, '502'],
  ['QUIT now', {}, '501'],
  // virtual-host.ts and introduction.ts
  ['HOST', stranger, '501'],
  ['HOST a.example', stranger, '504'],
  ['HOST a.example', {}, '503'],
  ['LANG 1', {}, '501'],
  ['LANG fr', {}, '504'],
  ['CLNT', {}, '501'],
  ['CSID Version=1;', {}, '501'],
  // connect-data.ts
  ['PASV now', {}, '501'],
  ['PASV', epsvAll, '501 After EPSV ALL'],
  ['PASV', overIpv6, '502 PASV is for IPv4 only: send EPSV.'],
  ['EPSV 3', {}, '522 Network protocol not supported, use (1)'],
  ['EPSV 2', {}, '522 Network protocol not supported, use (1)'],
  ['EPSV 1', overIpv6, '522 Network protocol not supported, use (2)'],
  ['EPSV one', {}, '501'],
  ['PORT 192,0,2,1,200', {}, '501'],
  ['PORT 192,0,2,1,200,1', epsvAll, '501 After EPSV ALL'],
  ['EPRT |1|192.0.2.1|', {}, '501'],
  ['EPRT |3|192.0.2.1|50000|', {}, '522 Network protocol not supported, use (1)'],
  ['EPRT |2|2001:db8::1|50000|', {}, '522 Network protocol not supported, use (1)'],
  ['EPRT |1|192.0.2.1|50000|', overIpv6, '522 Network protocol not supported, use (2)'],
  ['EPRT |1|192.0.2.1|50000|', epsvAll, '501 After EPSV ALL'],
  ['EPRT |3|192.0.2.1|50000|', epsvAll, '501 After EPSV ALL'],
  // parameters.ts
  ['TYPE', {}, '501'],
  ['TYPE X', {}, '501'],
  ['TYPE E', {}, '504'],
  ['TYPE ı', {}, '501'],
  ['TYPE A T', {}, '504'],
  ['TYPE A C', {}, '504'],
  ['TYPE L 7', {}, '504'],
  ['TYPE constructor', {}, '501'],
  ['MODE', {}, '501'],
  ['MODE Z', {}, '504 MODE Z is switched off here.'],
  ['MODE B', withModeZ, '504'],
  ['MODE Z ', withModeZ, '501'],
  ['STRU', {}, '501'],
  ['STRU R', {}, '504'],
  ['REST', {}, '501'],
  ['REST -1', {}, '501'],
  ['REST 9007199254740993', {}, '501'],
  ['ALLO', {}, '501'],
  ['ALLO many', {}, '501'],
  [
    'ALLO 0',
    { account: { permissions: new Set(['e', 'l', 'r', 'd', 'f', 'm', 'M', 'T'] as const) } },
    '550 Permission',
  ],
  ['ALLO 100', full(), '452'],
  ['ALLO 100', { account: { uploadBytesMax: 99 } }, '552 More than 99 bytes.'],
  ['OPTS', {}, '501'],
  ['OPTS UTF8 OFF', {}, '501 Names are always UTF-8 here.'],
  ['OPTS UTF8 SOON', {}, '501'],
  ['OPTS MODE Z LEVEL 9', {}, '501'],
  ['OPTS MODE Z LEVEL 10', withModeZ, '501 MODE has the option Z LEVEL 0 to 9.'],
  ['OPTS MODE S', withModeZ, '501'],
  ['OPTS MLST type size', {}, '501'],
  // retrieve.ts and store.ts
  ['RETR', {}, '501'],
  ['RETR dir/a.txt', unarranged(), '425'],
  ['RETR missing', {}, '550'],
  ['RETR dir', oneFile(), '550 Not a regular file.'],
  ['RETR dir/a.txt', { ...oneFile(), session: { restartBytes: 6 } }, '554 The file has 5 bytes only.'],
  ['RETR dir/a.txt', { ...oneFile(), session: { restartBytes: 6, type: 'A' } }, '554 The file is shorter than that'],
  ['RETR dir/a.txt', { ...oneFile(), session: { restartBytes: 1, mode: 'Z' } }, '554 Restarts need MODE S.'],
  ['RETR dir/a.txt', { ...oneFile(), session: { range, type: 'A' } }, '551 Ranges need TYPE I and MODE S.'],
  ['STOR', {}, '501'],
  ['STOR a.txt', unarranged({}), '425'],
  ['STOR a\0b', {}, '553'],
  [`STOR ${'x'.repeat(256)}`, {}, '553'],
  ['STOR no/dir.txt', {}, '550'],
  ['STOR dir', oneFile(), '550'],
  ['STOR dir/a.txt', { ...oneFile(), account: { existing: 'keep' } }, '553 The file exists and may not be replaced.'],
  ['STOR dir/a.txt', { ...oneFile(), session: { restartBytes: 6 } }, '554'],
  ['STOR dir/a.txt', { ...oneFile(), session: { restartBytes: 1, type: 'A' } }, '554 In TYPE A an upload goes on only'],
  ['STOR dir/a.txt', { ...oneFile(), session: { restartBytes: 1, mode: 'Z' } }, '554 Restarts need MODE S.'],
  ['STOR dir/a.txt', { ...oneFile(), session: { range, mode: 'Z' } }, '551 Ranges need TYPE I and MODE S.'],
  ['STOR dir/a.txt', { ...oneFile(), session: { range: { startBytes: 6, endBytes: 6 } } }, '554 The range must begin'],
  ['APPE', {}, '501'],
  ['APPE a.txt', unarranged({}), '425'],
  ['APPE dir/a.txt', { ...oneFile(), account: { existing: 'keep' } }, '553'],
  ['STOU', unarranged({}), '425'],
  // listing.ts, machine-listing.ts and status.ts
  ['LIST', unarranged({}), '425'],
  ['LIST missing', {}, '550'],
  ['NLST', unarranged({}), '425'],
  ['NLST missing', {}, '550'],
  ['MLSD', unarranged({}), '425'],
  ['MLSD missing', {}, '550'],
  ['MLSD dir/a.txt', oneFile(), '501 Not a directory'],
  ['MLST missing', {}, '550'],
  ['STAT /', stranger, '530'],
  ['STAT missing', {}, '550'],
  // files.ts
  ['DELE', {}, '501'],
  ['DELE missing', {}, '550'],
  ['DELE dir', oneFile(), '550 Not a regular file.'],
  ['RNFR', {}, '501'],
  ['RNFR missing', {}, '550'],
  ['RNFR dir/a.txt', { ...oneFile(), account: { permissions: new Set(['l'] as const) } }, '550 Permission denied.'],
  ['RNTO b.txt', {}, '503'],
  ['RNTO b.txt', { ...oneFile(), session: { renameFrom: at('/missing') } }, '550'],
  [
    'RNTO dir/a.txt',
    {
      files: new MemoryFiles().put('/dir/a.txt', '').put('/b.txt', ''),
      account: { existing: 'keep' },
      session: { renameFrom: at('/b.txt') },
    },
    '553',
  ],
  ['SIZE', {}, '501'],
  ['SIZE missing', {}, '550 No such file or directory.'],
  ['SIZE dir', oneFile(), '550 Not a regular file.'],
  ['SIZE a.txt', ascii, '550 No such file or directory.'],
  ['MDTM missing', {}, '550'],
  ['MDTM dir', oneFile(), '550'],
  ['MFMT 20260101000000', {}, '501'],
  ['MFMT 20260229000000 a.txt', {}, '501'],
  ['MFMT yesterday a.txt', {}, '501'],
  ['MFMT 20260101000000 missing', {}, '550'],
  // hash.ts and hash-by-name.ts
  ['HASH', {}, '501'],
  ['HASH missing', {}, '550'],
  ['HASH dir', oneFile(), '553'],
  ['RANG 1', {}, '501'],
  ['XCRC', {}, '501'],
  ['XMD5 dir', oneFile(), '550'],
  ['XSHA256 dir/a.txt 2 1', oneFile(), '501'],
  ['OPTS HASH CRC-37', {}, '501 Unknown algorithm'],
  // directories.ts
  ['CWD', {}, '501'],
  ['CWD missing', {}, '550'],
  ['CWD dir/a.txt', oneFile(), '550 Not a directory.'],
  ['CDUP now', {}, '501'],
  ['PWD now', {}, '501'],
  ['MKD', {}, '501'],
  ['MKD dir', oneFile(), '550'],
  ['RMD', {}, '501'],
  ['RMD missing', {}, '550'],
  ['RMD dir', oneFile(), '550 The directory is not empty.'],
  // session.ts and site.ts
  ['FEAT now', {}, '501'],
  ['SYST now', {}, '501'],
  ['ABOR now', {}, '501'],
  ['HELP FROBNICATE', {}, '502'],
  ['SITE', {}, '501'],
  ['SITE EXEC ls', {}, '504'],
  ['SITE HELP me', {}, '501'],
  ['SITE CHMOD 644', {}, '501'],
  ['SITE CHMOD 4755 a.txt', {}, '501'],
  ['SITE CHMOD 888 a.txt', {}, '501'],
  ['SITE CHMOD 644 missing', {}, '550'],
  ['SITE UTIME 20260101 a.txt', {}, '501'],
  ['SITE UTIME 20260101000000', {}, '501'],
  ['SITE UTIME 202613010000 a.txt', {}, '501'],
  ['SITE UTIME 202601010000 missing', {}, '550'],
];

test.each(REFUSALS)('%s is refused (%#)', async (line, scene, reply) => {
  const answer = await say(line, scene);
  expect(answer.text).toContain(reply);
  expect(answer.text.slice(0, 3)).toBe(reply.slice(0, 3));
  expect(answer.change).toBeUndefined();
  // A refusal comes before the client is told to send or to receive.
  expect(answer.marks).toEqual([]);
  expect(isForeseen(line, answer.code), `${answer.code} stands neither in section 5.4 nor on docs/rfc.md`).toBe(true);
});

test.each([
  'SIZE',
  'MDTM',
  'MFMT',
  'DELE',
  'RNFR',
  'CWD',
  'MKD',
  'RMD',
  'RETR',
  'STOR',
  'APPE',
  'LIST',
  'NLST',
  'MLSD',
  'MLST',
  'STAT',
  'XCRC',
  'AVBL',
  'DSIZ',
  'RMDA',
  'CPFR',
])('%s passes on what storage refuses', async (verb) => {
  const files = new MemoryFiles();
  const refuse = () => {
    throw new Fault('PermissionDenied');
  };
  const closed = new Proxy(files, { get: () => refuse });
  const argument = verb === 'MFMT' ? '20260101000000 a' : 'a';
  const { code, marks } = await say(`${verb} ${argument}`, { files: closed });
  // RNFR cannot tell and leaves it to RNTO.
  expect(code).toBe(verb === 'RNFR' ? 350 : 550);
  expect(marks).toEqual([]);
});

test('before a login only these verbs do anything', () => {
  const open = COMMANDS.filter(({ who }) => who === 'anyone').map(({ verb }) => verb);
  expect(open.sort()).toEqual(
    [
      'ACCT',
      'ADAT',
      'AUTH',
      'CCC',
      'CLNT',
      'CONF',
      'CSID',
      'ENC',
      'FEAT',
      'HELP',
      'HOST',
      'LANG',
      'MIC',
      'NOOP',
      'OPTS',
      'PASS',
      'PBSZ',
      'PROT',
      'QUIT',
      'REIN',
      'SMNT',
      'STAT',
      'SYST',
      'USER',
    ].sort(),
  );
});

test('every command that uses a data channel is known to do so', () => {
  const verbs = (use: string) => COMMANDS.filter(({ data }) => data === use).map(({ verb }) => verb);
  expect(verbs('arranges').sort()).toEqual(['EPRT', 'EPSV', 'PASV', 'PORT']);
  expect(verbs('transfers').sort()).toEqual(['APPE', 'LIST', 'MLSD', 'NLST', 'RETR', 'STOR', 'STOU']);
});

test('no two commands answer to one verb, and only secrets are hidden', () => {
  const names = COMMANDS.flatMap(({ verb, aliases = [] }) => [verb, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  expect(COMMANDS.filter(({ secret }) => secret).map(({ verb }) => verb)).toEqual(['PASS', 'ACCT']);
});
