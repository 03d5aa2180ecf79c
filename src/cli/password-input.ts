/** Where passwords come from: a prompt without echo, standard input, or our own generator; never the command line. */
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
export async function readPassword({ stdin }: Terminal): Promise<string> {
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

/** Asks for a new password. @throws CommandFailure as `askNewSecret`. */
function askPassword(terminal: Terminal): Promise<string> {
  return askNewSecret(terminal, {
    question: 'New password: ',
    otherwise: 'There is no terminal to ask for a password on: use --password-stdin or --generate.',
    problem: passwordProblem,
  });
}

/** A question, and what to say where there is no terminal to ask it on. */
export interface Question {
  readonly question: string;
  readonly otherwise: string;
}

/**
 * Asks for something new twice, without echo; `problem` says what is wrong with an answer.
 *
 * @throws CommandFailure without a terminal, on Ctrl-C, for a problem, and when the answers differ.
 */
export function askNewSecret(
  terminal: Terminal,
  question: Question & { readonly problem: (answer: string) => string | undefined },
): Promise<string> {
  return withQuestions(terminal, question, 'hidden', async (ask) => {
    const answer = await ask(question.question);
    const problem = question.problem(answer);
    if (problem !== undefined) throw new CommandFailure('failure', problem);
    if ((await ask('The same again: ')) !== answer) {
      throw new CommandFailure('failure', 'The two passwords differ; nothing was changed.');
    }
    return answer;
  });
}

/** Asks one question, with or without echo. @throws CommandFailure without a terminal, and on Ctrl-C. */
export function askOnce(terminal: Terminal, question: Question, echo: 'hidden' | 'shown'): Promise<string> {
  return withQuestions(terminal, question, echo, (ask) => ask(question.question));
}

async function withQuestions(
  { stdin, stderr }: Terminal,
  { otherwise }: Question,
  echo: 'hidden' | 'shown',
  use: (ask: (question: string) => Promise<string>) => Promise<string>,
): Promise<string> {
  if (stdin.isTTY !== true) throw new CommandFailure('wrongUse', otherwise);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = echo === 'shown' ? stderr : nowhere;
  const questions = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  questions.once('SIGINT', () => questions.close());
  try {
    // One reader for all answers: a second one would lose what was typed ahead.
    const answers = questions[Symbol.asyncIterator]();
    return await use(async (question) => {
      stderr.write(question);
      const { value, done } = await answers.next();
      // Where there is an echo, the line break was part of it.
      if (echo === 'hidden' || done === true) stderr.write('\n');
      if (done === true) throw new CommandFailure('failure', 'Cancelled; nothing was changed.');
      return value;
    });
  } finally {
    questions.close();
  }
}
