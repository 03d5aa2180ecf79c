/** A thread that holds passwords against their hashes, one after the other, when nothing else wants the processor. */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

/**
 * How much nicer it is than the process. Against a thread that wants a whole processor it gets a sixth of it: a flood of logins takes
 * little from transfers, and a machine that is busy, with whatever, keeps nobody from logging in. (By 10 it is a tenth, and
 * logins took many seconds where other programs kept all processors busy.)
 */
const NICER_BY = 7;
const NICEST = 19;

// On Linux the priority of "this process" is that of the thread that asks; elsewhere it is everybody's, and stays as it is.
if (process.platform === 'linux') setPriority(Math.min(NICEST, getPriority() + NICER_BY));

// Behind the priority: to load these takes as long as a hash.
const { Secret } = await import('../lib/secret.ts');
const { verifyPasswordInThread } = await import('./password-hash.ts');

// Only `hash-threads.ts` starts this, and asks nothing before it has the last answer.
parentPort?.on('message', ({ password, hash }: { readonly password: Uint8Array; readonly hash: string }) => {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(password);
  const isRight = verifyPasswordInThread(new Secret(text), hash);
  password.fill(0);
  parentPort?.postMessage(isRight);
});
parentPort?.postMessage('ready');
