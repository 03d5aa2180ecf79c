/** Programs as gates: what they are given, and that nothing but a plain answer passes a file. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { commandEntry, commandGate } from '../../src/intake/gates/command.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ask, itemOf, manyBytes } from '../fixtures/gate-item.ts';
import { isRunning } from '../fixtures/process-ids.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-gates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A gate that runs a script of the shell, which has the arguments behind its own. */
function shell(script: string, written: Record<string, unknown> = {}) {
  const { args = [], ...rest } = written;
  const list: readonly unknown[] = Array.isArray(args) ? args : [];
  const options = { kind: 'command', name: 'rule', program: '/bin/sh', args: ['-c', script, 'sh', ...list], ...rest };
  return commandGate(commandEntry.parse(options), { clock: systemClock });
}

describe('what is no plain answer is a failure', () => {
  test.each([
    ['exit 2', 'echo why >&2; exit 2', /\/bin\/sh ended with 2: why/],
    ['exit 126', 'exit 126', /ended with 126: it said nothing/],
    ['a signal', 'kill -TERM $$', /was ended by SIGTERM/],
    ['escapes on standard error', 'printf "\\033[2J" >&2; exit 3', /\\u001b\[2J/],
  ])('%s', async (_, script, reason) => {
    await expect(ask(shell(script), itemOf('hello'))).rejects.toThrow(reason);
  });

  test('a program that is not there, and one that cannot be run', async () => {
    await expect(ask(shell('', { program: '/nowhere/at/all' }), itemOf('hello'))).rejects.toThrow(/ENOENT/);
    const file = join(folder, 'no-program');
    await writeFile(file, 'exit 0');
    await chmod(file, 0o600);
    await expect(ask(shell('', { program: file }), itemOf('hello'))).rejects.toThrow(/EACCES/);
  });

  test('a file that cannot be read', async () => {
    const item = itemOf('hello', { broken: new Error('the disk is gone') });
    await expect(ask(shell('cat >/dev/null; exit 0'), item)).rejects.toThrow('the disk is gone');
  });
});

test('the example of docs/gates.md has what its program says on standard error as the reason', async () => {
  const page = await readFile(new URL('../../docs/gates.md', import.meta.url), 'utf8');
  const block = /^```yaml\n(gates:\n {2}- kind: command\n.*?)^```$/ms.exec(page)?.[1] ?? '';
  const lint = join(folder, 'lint');
  await writeFile(lint, '#!/bin/sh\nread -r line\necho "-:1: parser error : $line" >&2\nexit 1\n');
  await chmod(lint, 0o755);
  const example = z.object({ gates: z.array(commandEntry) }).parse(parse(block.replace('xmllint', lint)));
  const [entry] = example.gates;
  if (entry === undefined) throw new Error('the page has no gate that is a command');
  expect(await ask(commandGate(entry, { clock: systemClock }), itemOf('no XML\n'))).toEqual({
    verdict: 'refuse',
    reason: '-:1: parser error : no XML',
  });
});

describe('verdicts', () => {
  test('0 passes', async () => {
    expect(await ask(shell('echo fine; exit 0'), itemOf('hello'))).toEqual({ verdict: 'pass' });
  });

  test('1 refuses, with the first line as its reason', async () => {
    expect(await ask(shell('printf "line 7: no\\033 date\\nmore\\n"; exit 1'), itemOf('hello'))).toEqual({
      verdict: 'refuse',
      reason: 'line 7: no\\u001b date',
    });
    expect(await ask(shell('exit 1'), itemOf('hello'))).toEqual({ verdict: 'refuse', reason: 'the program refused' });
  });

  test('a program that writes without end is not waited for, and only the beginning is kept', async () => {
    const said = await ask(shell('head -c 50000000 /dev/zero | tr "\\0" x; exit 1'), itemOf('hello'));
    expect(said).toEqual({ verdict: 'refuse', reason: `${'x'.repeat(200)}...` });
  });
});

describe('what a program is given', () => {
  test('the file on standard input, and an environment of its own', async () => {
    const out = join(folder, 'stdin');
    const gate = shell(`cat > "$1"; env > "$1.env"`, { args: [out, '{file}'] });
    const item = itemOf('hello', { path: "/in/it's $(here).txt" });
    expect((await ask(gate, item)).verdict).toBe('pass');
    expect(await readFile(out, 'utf8')).toBe('hello');
    const env = (await readFile(`${out}.env`, 'utf8')).trim().split('\n').sort();
    expect(env.filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([
      'LC_ALL=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'SALLYPORT_ACCOUNT=alice',
      'SALLYPORT_ADDRESS=192.0.2.7',
      'SALLYPORT_BYTES=5',
      "SALLYPORT_PATH=/in/it's $(here).txt",
      'SALLYPORT_SHA256=2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      'SALLYPORT_UPLOAD=up-1',
    ]);
  });

  test('the path of the file, which it does not read then', async () => {
    const file = join(folder, 'held $(file)');
    await writeFile(file, 'from the disk', { mode: 0o600 });
    const item = itemOf('from the stream', { onDisk: file });
    const gate = shell('test "$(cat)" = "" && test "$1" = "$SALLYPORT_FILE" && cp "$1" "$2" && echo "$3" >> "$2"', {
      args: ['{file}', `${folder}/copy`, '<{file}>'],
    });
    expect((await ask(gate, item)).verdict).toBe('pass');
    expect(await readFile(join(folder, 'copy'), 'utf8')).toBe(`from the disk<${file}>\n`);
    expect(item.read).toEqual({ bytes: 0, left: false });
  });

  test('standard input where that is asked for, whatever lies on the disk', async () => {
    const gate = shell('test "$(cat "$1")" = streamed && test -z "$SALLYPORT_FILE"', {
      input: 'stdin',
      args: ['{file}'],
    });
    expect((await ask(gate, itemOf('streamed', { onDisk: '/nowhere' }))).verdict).toBe('pass');
  });

  test('no size of a file that is still arriving', async () => {
    const gate = shell('cat >/dev/null; test -z "$SALLYPORT_BYTES$SALLYPORT_SHA256$SALLYPORT_ADDRESS"');
    const item = itemOf('hello', { arrived: new Promise(() => undefined), address: undefined });
    expect((await ask(gate, item)).verdict).toBe('pass');
  });

  test('as much as it wants to read', async () => {
    const item = itemOf(manyBytes(100_000_000));
    expect(await ask(shell('head -c 3; exit 1'), item)).toEqual({ verdict: 'refuse', reason: 'xxx' });
    expect(item.read.left).toBe(true);
    const hanging = itemOf('hello', { hanging: true });
    expect((await ask(shell('exit 0'), hanging)).verdict).toBe('pass');
  });
});

describe('time', () => {
  const pidIn = async (file: string) => {
    for (;;) {
      const text = await readFile(file, 'utf8').catch(() => '');
      if (text.endsWith('\n')) return Number(text);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  const gone = async (pid: number) => {
    while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  test('nobody waits any more: the program is killed with all that it has started', async () => {
    const file = join(folder, 'pids');
    const late = new AbortController();
    const asked = ask(
      shell('sh -c "echo \\$\\$ > $1; exec sleep 1000" sh "$1" & wait', { args: [file] }),
      itemOf('x'),
      late.signal,
    );
    const pid = await pidIn(file);
    expect(isRunning(pid)).toBe(true);
    late.abort(new Error('late'));
    await expect(asked).rejects.toThrow('late');
    await gone(pid);
  });

  test('what a program leaves behind is killed, and holds nobody up', async () => {
    const file = join(folder, 'left');
    const gate = shell(
      'sh -c "echo \\$\\$ > $1; exec sleep 1000" sh "$1" & while ! test -s "$1"; do sleep 0.05; done; exit 0',
      {
        args: [file],
      },
    );
    expect((await ask(gate, itemOf('x'))).verdict).toBe('pass');
    await gone(await pidIn(file));
  });

  test('a program that reads nothing holds the reading of the file back', async () => {
    const late = new AbortController();
    const item = itemOf(manyBytes(100_000_000));
    const asked = ask(shell('exec sleep 1000'), item, late.signal);
    asked.catch(() => undefined);
    let before = -1;
    while (before !== item.read.bytes || before === 0) {
      before = item.read.bytes;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(item.read.bytes).toBeLessThan(10_000_000);
    late.abort(new Error('late'));
    await expect(asked).rejects.toThrow('late');
    expect(item.read.left).toBe(true);
  });
});

test.each([
  [{ program: 'clamscan' }, 'program'],
  [{ program: './clamscan' }, 'program'],
  [{ program: '/bin/a\0b' }, 'program'],
  [{ program: '/bin/true', args: ['a\0b'] }, 'args'],
  [{ program: '/bin/true', args: 'a' }, 'args'],
  [{ program: '/bin/true', input: 'file' }, 'input'],
  [{}, 'program'],
])('%o is refused at %s', (written, key) => {
  const result = commandEntry.safeParse({ kind: 'command', name: 'rule', ...written });
  expect(result.error?.issues.map(({ path }) => path[0])).toEqual([key]);
});
