/** Passphrases of keys and passwords of PKCS #12 files: from a file, or asked for; never from the command line. */

import { Secret } from '../lib/secret.ts';
import { readSecret } from '../lib/secret-file.ts';
import { CommandFailure } from './command-failure.ts';
import { askNewSecret, askOnce, PASSWORD_CHARACTERS_MIN } from './password-input.ts';
import type { Terminal } from './terminal.ts';

/** Where a secret comes from: this file, or else the terminal. `option` is what names the file on the command line. */
export interface SecretSource {
  readonly file: string | undefined;
  readonly option: string;
}

/** A secret that exists already. @throws CommandFailure when there is nobody to ask. */
export async function secretFor(source: SecretSource, terminal: Terminal, question: string): Promise<Secret> {
  if (source.file !== undefined) return secretFromFile(source.file);
  return new Secret(await askOnce(terminal, { question, otherwise: otherwise(source) }, 'hidden'));
}

/** A new secret, long enough to stand against guessing by whoever has the file. @throws CommandFailure as above. */
export async function newSecretFor(source: SecretSource, terminal: Terminal, question: string): Promise<Secret> {
  if (source.file === undefined) {
    return new Secret(await askNewSecret(terminal, { question, otherwise: otherwise(source), problem: secretProblem }));
  }
  const secret = await secretFromFile(source.file);
  const problem = secretProblem(secret.reveal());
  if (problem !== undefined) throw new CommandFailure('failure', `${source.file}: ${problem}`);
  return secret;
}

async function secretFromFile(path: string): Promise<Secret> {
  try {
    return await readSecret(path);
  } catch (error) {
    throw new CommandFailure('failure', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function secretProblem(text: string): string | undefined {
  if (text.length < PASSWORD_CHARACTERS_MIN) return `A password has at least ${PASSWORD_CHARACTERS_MIN} characters.`;
  // Windows, Java and OpenSSL encode other characters in different ways, and then it opens nothing.
  return /^[ -~]*$/.test(text) ? undefined : 'A password for a file has letters, digits and signs of ASCII only.';
}

function otherwise({ option }: SecretSource): string {
  return `There is no terminal to ask for a password on: use ${option}.`;
}
