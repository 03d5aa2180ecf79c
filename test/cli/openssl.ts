/** OpenSSL and Java's keytool as judges of what `sallyport cert` has made. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs openssl. @returns what it printed on both streams; rejects when it fails. */
export async function openssl(...words: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('openssl', words);
  return stdout + stderr;
}

/** Runs Java's keytool. @returns what it printed; rejects when it fails. */
export async function keytool(...words: string[]): Promise<string> {
  return (await promisify(execFile)('keytool', words)).stdout;
}

/** Whether tests with a program are to be skipped. Where CI is set a missing one is a failure instead. */
export function isMissing(program: 'openssl' | 'keytool' | 'curl'): boolean {
  if (process.env.CI !== undefined) return false;
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`]);
    return false;
  } catch {
    return true;
  }
}
