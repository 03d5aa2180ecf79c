/** CPFR and CPTO, SITE COPY and SITE SYMLINK. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import { Fault } from '../../src/spi/fault.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, type Scene, say } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';

/** Long enough for three reads of the fake storage. */
const TEXT = 'the source, which comes in three pieces'.padEnd(40, '.');

function source(): MemoryFiles {
  return new MemoryFiles().put('/from.txt', TEXT).put('/dir/old.txt', 'old');
}

function behindCpfr(files: MemoryFiles, parts: Scene = {}): Scene {
  return { ...parts, files, session: { copyFrom: at('/from.txt') } };
}

function allowed(files: MemoryFiles, root: string, dir: string): Scene {
  const letters = (text: string) => parsePermissions(text) ?? expect.unreachable(text);
  const directories = [{ path: at('/dir'), permissions: letters(dir), recursive: true }];
  const account = member({ files, permissions: letters(root), directories });
  return { account: { files: authorizedFiles(account), permissions: account.permissions, directories } };
}

describe('CPFR', () => {
  test.each(['CPFR', 'SITE CPFR'])('%s is refused for what cannot be copied', async (verb) => {
    const files = source();
    expect((await say(verb, { files })).code).toBe(501);
    expect((await say(`${verb} missing`, { files })).text).toBe('550 No such file or directory.');
    expect((await say(`${verb} dir`, { files })).text).toBe('550 Not a regular file.');
    expect((await say(`${verb} from.txt`, allowed(files, 'eladfmwMT', ''))).text).toBe('550 Permission denied.');
    expect(files.openFiles).toBe(0);
  });

  test.each(['CPFR', 'SITE CPFR'])('%s names the source', async (verb) => {
    const files = source();
    const answer = await say(`${verb} from.txt`, { files });
    expect(answer).toMatchObject({ code: 350, change: { kind: 'SetCopyFrom', path: '/from.txt' } });
    expect(files.openFiles).toBe(0);
  });
});

describe('CPTO', () => {
  test.each(['CPTO', 'SITE CPTO'])('%s is refused unless CPFR came right before it', async (verb) => {
    expect((await say(`${verb} to.txt`, { files: source() })).text).toBe('503 CPTO comes right behind CPFR.');
    expect((await say(verb, behindCpfr(source()))).code).toBe(501);
  });

  test.each<[string, string, Scene, string]>([
    ['onto itself', '/from.txt', {}, '553 A file cannot be copied onto itself.'],
    ['onto itself by another way', '/dir/../from.txt', {}, '553'],
    ['into what does not exist', '/none/to.txt', {}, '550'],
    ['onto a directory', '/dir', {}, '550 Not a regular file.'],
    ['onto a file that must be kept', '/dir/old.txt', { account: { existing: 'keep' } }, '553'],
    ['of a file larger than an upload may be', '/to.txt', { account: { uploadBytesMax: 39 } }, '552'],
  ])('%s is refused', async (_, to, parts, reply) => {
    const files = source();
    expect((await say(`CPTO ${to}`, behindCpfr(files, parts))).text).toContain(reply);
    expect(files.text('/dir/old.txt')).toBe('old');
    expect(files.calls.filter((call) => call.startsWith('stage'))).toEqual([]);
    expect(files.openFiles).toBe(0);
  });

  test('needs read permission at the source and write permission at the target', async () => {
    const files = source();
    const session = { copyFrom: at('/from.txt') };
    expect((await say('CPTO /dir/new', { ...allowed(files, 'eladfmwMT', 'elradfmwMT'), session })).code).toBe(550);
    expect((await say('CPTO /dir/new', { ...allowed(files, 'elradfmwMT', 'elradfmMT'), session })).code).toBe(550);
    expect(files.calls).toEqual([]);
    expect((await say('CPTO /dir/new', { ...allowed(files, 'r', 'w'), session })).code).toBe(250);
  });

  test('stops where a source grows past the largest upload', async () => {
    const files = source();
    const openRead = files.openRead.bind(files);
    const growing = Object.assign(files, {
      async openRead(path: Parameters<typeof openRead>[0]) {
        const opened = await openRead(path);
        return { ...opened, facts: { ...opened.facts, sizeBytes: 1 } };
      },
    });
    const answer = await say('CPTO to.txt', behindCpfr(growing, { account: { uploadBytesMax: 20 } }));
    expect(answer.code).toBe(552);
    expect(files.text('/to.txt')).toBeUndefined();
    expect(files.calls).toEqual(['stage /to.txt empty replace', 'abort remove']);
  });

  test.each([
    ['openRead', 1],
    ['stage', 1],
    ['prefix', 1],
    ['read', 3],
    ['write', 3],
    ['commit', 1],
  ])('leaves the target as it was when %s fails, whichever of %i calls it is', async (operation, calls) => {
    for (let n = 1; n <= calls; n++) {
      for (const abortFails of [false, true]) {
        const files = source();
        files.failures.plan(operation, n, new Fault('StorageFull'));
        if (abortFails) files.failures.plan('abort', 1, new Fault('Local'));
        expect((await say('CPTO dir/old.txt', behindCpfr(files))).code, `${operation} ${n}`).toBe(452);
        expect(files.failures.count(operation)).toBe(n);
        expect(files.text('/dir/old.txt')).toBe('old');
        expect(files.partials.size).toBe(0);
        expect(files.openFiles).toBe(0);
      }
    }
  });

  test('stops when the client is gone', async () => {
    const files = source();
    const signal = AbortSignal.abort(new Fault('Aborted'));
    expect((await say('CPTO to.txt', behindCpfr(files, { context: { signal } }))).code).toBe(426);
    expect(files.text('/to.txt')).toBeUndefined();
  });

  test.each(['CPTO', 'SITE CPTO'])('%s copies, and notes what for the log', async (verb) => {
    const files = source();
    const answer = await say(`${verb} dir/old.txt`, behindCpfr(files));
    const sha256 = createHash('sha256').update(TEXT).digest('hex');
    expect(answer.text).toBe(`250 Copied 40 bytes, SHA-256 ${sha256}.`);
    expect(answer.notes).toEqual({ path: '/from.txt', to: '/dir/old.txt', bytes: 40, sha256 });
    expect(files.text('/dir/old.txt')).toBe(TEXT);
    expect(files.text('/from.txt')).toBe(TEXT);
    expect(files.openFiles).toBe(0);
  });
});

describe('SITE COPY', () => {
  test.each(['SITE COPY', 'SITE COPY from.txt', 'SITE COPY a b c', 'SITE COPY "from.txt', 'SITE COPY from.txt ""'])(
    '%s is refused',
    async (line) => {
      expect((await say(line, { files: source() })).code).toBe(501);
    },
  );

  test('copies, with names in quotes where they hold spaces', async () => {
    const files = source();
    expect((await say('SITE COPY from.txt "dir/to you"', { files })).code).toBe(200);
    expect((await say('SITE COPY "dir/to you" third', { files })).code).toBe(200);
    expect(files.text('/third')).toBe(TEXT);
  });
});

describe('SITE SYMLINK', () => {
  const on: Scene['context'] = { policy: { ...contextWith({}).policy, symlinks: true } };

  test('is refused unless it is switched on and storage has links', async () => {
    const files = Object.assign(source(), { makeSymlink: async () => expect.unreachable('off') });
    expect((await say('SITE SYMLINK from.txt link', { files })).text).toBe('502 Symbolic links are switched off here.');
    expect((await say('SITE SYMLINK from.txt link', { files: source(), context: on })).code).toBe(502);
    expect((await say('SITE SYMLINK from.txt', { files, context: on })).code).toBe(501);
  });

  test('makes a link to the first name under the second', async () => {
    const made: string[] = [];
    const makeSymlink = async (path: string, target: string) => void made.push(`${path} -> ${target}`);
    const files = Object.assign(source(), { makeSymlink });
    const answer = await say('SITE SYMLINK from.txt "dir/a link"', { files, context: on });
    expect(answer).toMatchObject({ code: 200, notes: { path: '/dir/a link', to: '/from.txt' } });
    expect(made).toEqual(['/dir/a link -> /from.txt']);
  });

  test('is in FEAT only when it is switched on', async () => {
    expect((await say('FEAT', {})).text).not.toContain('SITE SYMLINK');
    expect((await say('FEAT', { context: on })).text).toContain('\r\n SITE SYMLINK\r\n');
  });
});

test('SITE HELP lists every command behind SITE, and a wrong one is told their names', async () => {
  const help = (await say('SITE HELP')).text;
  const wrong = (await say('SITE EXEC ls')).text;
  for (const name of ['CHMOD', 'UTIME', 'CPFR', 'CPTO', 'COPY', 'QUOTA', 'WHO', 'HELP']) {
    expect(help).toMatch(new RegExp(`\\r\\n ${name}\\b`));
    expect(wrong).toContain(name);
  }
});
