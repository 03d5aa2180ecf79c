/** Where a new password comes from: a prompt without echo, standard input, or our own generator; never the command line. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { generatePassword, hashPassword, whyNoPasswordHash } from '../auth/password-hash.ts';
import { Secret } from '../lib/secret.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** The shortest password taken, in characters. Protects from guessing. */
export const PASSWORD_CHARACTERS_MIN = 12;
/** The longest password taken, in bytes. It has to fit into one command line (PASS) of any client. */
const PASSWORD_BYTES_MAX = 1_024;

/** How the command line says where the password comes from; without either, it is asked for on the terminal. */
export interface PasswordOptions {
  readonly passwordStdin?: true;
  readonly generate?: true;
  readonly hashStdin?: true;
}

/** What an account gets: the hash of a password, and the password itself unless only its hash was given. */
export interface NewCredential {
  readonly hash: string;
  readonly password: Secret | undefined;
}

/** The new password and its hash, or a hash from elsewhere. @throws CommandFailure as `newPassword`. */
export async function newCredential(terminal: Terminal, options: PasswordOptions): Promise<NewCredential> {
  if (options.hashStdin === true) {
    const hash = (await readPassword(terminal)).trim();
    const problem = whyNoPasswordHash(hash);
    if (problem !== undefined) throw new CommandFailure('failure', `What was read ${problem}.`);
    return { hash, password: undefined };
  }
  const password = await newPassword(terminal, options);
  return { hash: await hashPassword(password), password };
}

/** The new password. @throws CommandFailure when there is none, or it is too short or impossible to send. */
async function newPassword(terminal: Terminal, options: PasswordOptions): Promise<Secret> {
  if (options.generate === true) return generatePassword();
  const password = options.passwordStdin === true ? await readPassword(terminal) : await askPassword(terminal);
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new CommandFailure('failure', problem);
  return new Secret(password);
}

function passwordProblem(password: string): string | undefined {
  if ([...password].length < PASSWORD_CHARACTERS_MIN)
    return `A password has at least ${PASSWORD_CHARACTERS_MIN} characters.`;
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return `A password has at most ${PASSWORD_BYTES_MAX} bytes.`;
  if (/[\u0000-\u001f\u007f]/.test(password)) return 'A password cannot hold control characters or line breaks.';
  return undefined;
}

/** All of standard input but for one line break at its end. */
async function readPassword({ stdin }: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunks.at(-1)?.length ?? 0;
    // Past the bound the length alone is the answer, and nobody need read a whole disk to give it.
    if (bytes > PASSWORD_BYTES_MAX + 2) break;
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** Asks twice, without echo. @throws CommandFailure without a terminal, on Ctrl-C, and when the answers differ. */
async function askPassword({ stdin, stderr }: Terminal): Promise<string> {
  if (stdin.isTTY !== true) {
    throw new CommandFailure(
      'wrongUse',
      'There is no terminal to ask for a password on: use --password-stdin or --generate.',
    );
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const questions = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  questions.once('SIGINT', () => questions.close());
  try {
    // One reader for both answers: a second one would lose what was typed ahead.
    const answers = questions[Symbol.asyncIterator]();
    const ask = async (question: string) => {
      stderr.write(question);
      const { value, done } = await answers.next();
      stderr.write('\n');
      if (done === true) throw new CommandFailure('failure', 'Cancelled; nothing was changed.');
      return value;
    };
    const password = await ask('New password: ');
    const problem = passwordProblem(password);
    if (problem !== undefined) throw new CommandFailure('failure', problem);
    if ((await ask('The same again: ')) !== password) {
      throw new CommandFailure('failure', 'The two passwords differ; nothing was changed.');
    }
    return password;
  } finally {
    questions.close();
  }
}
