import { expect, test } from 'vitest';
import { DEFAULT_FACTS, type FactName } from '../../src/protocol/facts.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import { FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, type Scene, say } from '../fakes/say.ts';

function tree(): MemoryFiles {
  return new MemoryFiles()
    .put('/a.txt', 'hello')
    .put('/.hidden', '')
    .put('/two words/b.txt', 'x')
    .put('/evil\r\nname', '');
}

async function listing(line: string, scene: Scene = {}) {
  const data = new FakeDataPort();
  const answer = await say(line, { files: tree(), data, ...scene });
  return { ...answer, data, lines: data.connection.received.split('\r\n').slice(0, -1) };
}

test.each(['LIST', 'NLST', 'MLSD'])('%s of a directory that cannot be read is refused before 150', async (verb) => {
  const files = tree();
  files.failures.plan('list', 1, new Fault('PermissionDenied'));
  const { code, marks, data } = await listing(verb, { files });
  expect(code).toBe(550);
  expect(marks).toEqual([]);
  expect(data.calls).toEqual([]);
});

test.each(['LIST', 'NLST', 'MLSD'])('%s that fails on the way ends without the end of data', async (verb) => {
  const files = tree();
  files.failures.plan('list', 2, new Fault('Local'));
  const { code, marks, data } = await listing(verb, { files });
  expect(code).toBe(451);
  expect(marks).toEqual(['150 Sending the listing.']);
  expect(data.connection.state).toBe('destroyed');
});

test('a listing that is too long is cut off with 451', async () => {
  const { code, lines, data } = await listing('NLST', {
    context: { limits: { ...DEFAULT_LIMITS, listingEntriesMax: 3 } },
  });
  expect(code).toBe(451);
  expect(lines).toHaveLength(3);
  expect(data.connection.state).toBe('destroyed');
});

test('a listing whose channel cannot be opened leaves no listing open', async () => {
  const data = new FakeDataPort();
  data.failures.plan('open', 1, new Fault('DataTlsFailed'));
  const files = tree();
  let closed = false;
  const list = files.list.bind(files);
  files.list = async (path) =>
    (async function* () {
      try {
        yield* await list(path);
      } finally {
        closed = true;
      }
    })();
  expect((await say('MLSD', { files, data })).code).toBe(522);
  expect(closed).toBe(true);
});

test('STAT of a directory too long for one reply is refused', async () => {
  const files = new MemoryFiles();
  for (let index = 0; index <= 1_000; index++) files.put(`/${index}`, '');
  expect((await say('STAT /', { files })).text).toBe('451 Too long for the control channel: send LIST or MLSD.');
});

test.each(['LIST', 'LIST -a', 'LIST -la', 'LIST -al /'])(
  '%s shows every entry, and no name can forge a line',
  async (line) => {
    const { code, lines, data } = await listing(line);
    expect(code).toBe(226);
    expect(data.connection.state).toBe('finished');
    const names = lines.map((text) => text.slice(text.indexOf('00:00 ') + 6));
    expect(names).toEqual(['a.txt', '.hidden', 'two words', 'evil??name']);
    expect(lines.find((text) => text.endsWith('a.txt'))).toMatch(/^-rw-r--r-- +1 1000 +1000 +5 Jan 01 00:00 a\.txt$/);
  },
);

test('LIST and NLST take a path with spaces, and a file', async () => {
  expect((await listing('LIST -l two words')).lines).toHaveLength(1);
  expect((await listing('LIST two words/b.txt')).lines[0]).toMatch(/ two words\/b\.txt$/);
  expect((await listing('NLST two words/b.txt')).lines).toEqual(['two words/b.txt']);
});

test.each([
  ['NLST two words', '/', ['two words/b.txt']],
  ['NLST /two words/', '/', ['/two words/b.txt']],
  ['NLST', '/two words', ['b.txt']],
  ['NLST .', '/two words', ['b.txt']],
  ['NLST empty', '/', []],
] as const)('%s from %s gives names that can be sent back', async (line, cwd, names) => {
  const files = tree();
  await files.makeDirectory(at('/empty'));
  expect((await listing(line, { files, session: { cwd: at(cwd) } })).lines).toEqual(names);
});

test('MLSD gives the facts that were asked for, the directory where the session stands first, as `.`', async () => {
  const { code, lines } = await listing('MLSD', { session: { mlstFacts: ['type', 'size', 'perm'] } });
  expect(code).toBe(226);
  expect(lines).toEqual([
    'type=cdir;perm=celmp; .',
    'type=file;size=5;perm=adfrw; a.txt',
    'type=file;size=0;perm=adfrw; .hidden',
    'type=dir;perm=cdeflmp; two words',
    'type=file;size=0;perm=adfrw; evil??name',
  ]);
});

test('MLSD of an empty directory gives the directory', async () => {
  const { lines } = await listing('MLSD', { files: new MemoryFiles(), session: { mlstFacts: ['type'] } });
  expect(lines).toEqual(['type=cdir; .']);
});

// RFC 3659 section 7.3.1 has its name valid from where the session stands: there is none that every client would understand.
test('MLSD of another directory gives what is in it and nothing else', async () => {
  const session = { mlstFacts: ['type'] as const };
  expect((await listing('MLSD two words', { session })).lines).toEqual(['type=file; b.txt']);
  const files = tree();
  await files.makeDirectory(at('/empty'));
  const empty = await listing('MLSD /empty', { files, session });
  expect(empty).toMatchObject({ code: 226, lines: [] });
  expect(empty.data.connection.state).toBe('finished');
  const inside = await listing('MLSD ../empty', { files, session: { ...session, cwd: at('/empty') } });
  expect(inside.lines).toEqual(['type=cdir; .']);
});

test('MLSD does not list the directory itself without the type fact that would tell it from the others', async () => {
  // RFC 3659 section 7.5.1.2.
  const { lines } = await listing('MLSD', { session: { cwd: at('/two words'), mlstFacts: ['size'] } });
  expect(lines).toEqual(['size=1; b.txt']);
});

test('perm tells only what the account may do', async () => {
  const { lines } = await listing('MLSD two words', {
    account: { permissions: new Set(['l', 'r'] as const) },
    session: { mlstFacts: ['perm'] },
  });
  expect(lines).toEqual(['perm=r; b.txt']);
});

test('MLST tells of one file on the control channel, with two spaces when no fact is wanted', async () => {
  const scene: Scene = { files: tree(), session: { cwd: at('/two words'), mlstFacts: ['size'] } };
  expect((await say('MLST b.txt', scene)).text).toBe('250-Facts follow.\r\n size=1; /two words/b.txt\r\n250 End');
  const bare = await say('MLST', { files: tree(), session: { mlstFacts: [] } });
  expect(bare.text).toBe('250-Facts follow.\r\n  /\r\n250 End');
});

test('create and media-type are given when asked for and known, and are no defaults', async () => {
  const files = tree();
  const createdMs = Date.UTC(2025, 1, 28, 12);
  const stat = files.stat.bind(files);
  const dated = Object.assign(files, { stat: async (path: VirtualPath) => ({ ...(await stat(path)), createdMs }) });
  const mlst = async (name: string, mlstFacts: readonly FactName[]) =>
    (await say(`MLST ${name}`, { files: dated, session: { mlstFacts } })).text.split('\r\n')[1];
  expect(await mlst('a.txt', ['create', 'media-type'])).toBe(' create=20250228120000;media-type=text/plain; /a.txt');
  expect(await mlst('.hidden', ['media-type'])).toBe('  /.hidden');
  expect(await mlst('two words', ['create', 'media-type'])).toBe(' create=20250228120000; /two words');
  expect(await mlst('a.txt', DEFAULT_FACTS)).not.toMatch(/create|media-type/);
  const { lines } = await listing('MLSD', { session: { mlstFacts: ['media-type'] } });
  expect(lines).toContain('media-type=text/plain; a.txt');
});

test('STAT with a path lists on the control channel: 212 for a directory, 213 for a file', async () => {
  const directory = await say('STAT two words', { files: tree() });
  expect(directory.text).toMatch(/^212-Status follows\.\r\n -rw.* b\.txt\r\n212 End$/);
  expect((await say('STAT a.txt', { files: tree() })).text).toMatch(
    /^213-Status follows\.\r\n -rw.* \/a\.txt\r\n213 End$/,
  );
});
