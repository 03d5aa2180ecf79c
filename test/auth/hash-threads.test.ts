import { scryptSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { HashThreads } from '../../src/auth/hash-threads.ts';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';

const PASSWORD = new Secret('passwörd\uFEFF with spaces');
/** It ends before the part that is compared. */
const DAMAGED = '$scrypt$ln=10,r=8,p=1$c29tZXNhbHQxMjM0$';

/** With a thread that rests, or more of them. */
async function begun(threadsMax = 1) {
  const clock = new FakeClock();
  const threads = new HashThreads({ clock, threadsMax });
  const hash = await hashPassword(PASSWORD);
  for (let turn = 0; turn <= threadsMax; turn++) {
    await Promise.all(Array.from({ length: threadsMax }, () => threads.verify(PASSWORD, hash)));
    await threads.started();
  }
  expect(threads.restingCount).toBe(threadsMax);
  return { clock, threads, hash };
}

test('a login now and then begins no thread', async () => {
  const clock = new FakeClock();
  const threads = new HashThreads({ clock, threadsMax: 1 });
  const hash = await hashPassword(PASSWORD);
  for (const [password, isRight] of [
    [new Secret('x'), false],
    [PASSWORD, true],
  ] as const) {
    expect(await threads.verify(password, hash)).toBe(isRight);
    clock.advance(5_000);
    await threads.started();
    expect(threads.restingCount).toBe(0);
  }
});

test('a hash that is none is an error, which ends the thread, and the next question is answered all the same', async () => {
  const { clock, threads, hash } = await begun();
  await expect(threads.verify(PASSWORD, DAMAGED)).rejects.toThrow(RangeError);
  expect(threads.restingCount).toBe(0);
  await expect(threads.verify(PASSWORD, DAMAGED)).rejects.toThrow(RangeError);
  expect(await threads.verify(PASSWORD, hash)).toBe(true);
  await threads.started();
  clock.advance(60_000);
});

test.each([
  ['argon2id', async () => hashPassword(PASSWORD)],
  ['bcrypt', async () => hashSync(PASSWORD.reveal(), 4)],
  ['scrypt', async () => scryptHash(PASSWORD.reveal())],
])('tells right from wrong: %s', async (_, make) => {
  const { clock, threads } = await begun();
  const hash = await make();
  for (const wrong of ['', 'passwörd with spaces', 'passw?rd\uFEFF with spaces'])
    expect(await threads.verify(new Secret(wrong), hash), wrong).toBe(false);
  expect(await threads.verify(PASSWORD, hash)).toBe(true);
  expect(threads.restingCount).toBe(1);
  clock.advance(60_000);
  expect(threads.restingCount).toBe(0);
});

test('several questions at once have a thread each', async () => {
  const { clock, threads, hash } = await begun(2);
  const answers = ['wrong', PASSWORD.reveal()].map((password) => threads.verify(new Secret(password), hash));
  expect(threads.restingCount).toBe(0);
  expect(await Promise.all(answers)).toEqual([false, true]);
  expect(threads.restingCount).toBe(2);
  clock.advance(60_000);
});

test.skipIf(process.platform !== 'linux')(
  'its threads give way to those of the process, whose priority stays',
  async () => {
    const { clock } = await begun();
    const nice = readdirSync('/proc/self/task').map((id) => niceOf(`/proc/self/task/${id}/stat`));
    const own = niceOf('/proc/self/stat');
    expect(own).toBe(getPriority());
    // Threads of the tests before may be about to end.
    expect(nice).toContain(Math.min(19, own + 7));
    expect(nice.filter((each) => each === own).length).toBeGreaterThan(1);
    clock.advance(60_000);
  },
);

/** A hash as passlib writes it. */
function scryptHash(password: string): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const salt = Buffer.from('somesalt');
  return `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(scryptSync(password, salt, 32, { N: 1_024, r: 8, p: 1 }))}`;
}

/** Field 19 of proc(5); the name, in brackets, may hold anything. */
function niceOf(file: string): number {
  const text = readFileSync(file, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
}

test('threads that are ended while they rest are replaced when one is needed again', async () => {
  const { threads, hash } = await begun();
  threads.end();
  expect(threads.restingCount).toBe(0);
  expect(await threads.verify(PASSWORD, hash)).toBe(true);
});
