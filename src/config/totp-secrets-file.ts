/** The file of authenticator apps' secrets for users whose accounts are written down elsewhere (`totpSecretsFile`). */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';
import { z } from 'zod';
import { totpSecret } from '../auth/totp-secret.ts';
import { userName } from '../auth/users.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { ConfigTree } from './config-tree.ts';
import { IF_LIST, refuseSameName } from './option-checks.ts';
import { fileProblem, inOrder, type Problem } from './problem.ts';
import { replaceFile } from './replace-file.ts';
import { openToOthers } from './secret-mode.ts';
import { UsersFileRefused } from './users-file.ts';
import { validate } from './validate.ts';
import { parseYaml } from './yaml-source.ts';

/** The secrets by name, or what is wrong with their file. */
export type TotpSecretsFile =
  | { readonly ok: true; readonly secrets: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and checks a file of secrets. `shownAs` is its name in problems, when that is not the path. */
export async function readTotpSecretsFile(path: string, shownAs = path): Promise<TotpSecretsFile> {
  const read = await readBoundedFile(path, SECRETS_FILE_BYTES_MAX);
  if (!read.ok) return { ok: false, problems: [fileProblem(shownAs, read.message)] };
  const open = openToOthers(shownAs, read.mode);
  const source = parseYaml(shownAs, read.text);
  if (!source.sound) return { ok: false, problems: source.problems };
  const checked = validate(source, totpSecretsSchema);
  const problems = [
    ...(open === undefined ? [] : [fileProblem(shownAs, open)]),
    ...source.problems,
    ...(checked.ok ? [] : checked.problems),
  ];
  if (!checked.ok || problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return { ok: true, secrets: new Map(checked.value.secrets.map(({ name, secret }) => [name, secret])) };
}

/**
 * What is wrong with the files of secrets that a configuration names: first what stands in the configuration, then what
 * stands in those files.
 */
export async function totpSecretsProblems(
  tree: Pick<ConfigTree, 'valueAt' | 'problemAt' | 'baseDirAt'>,
): Promise<{ readonly own: readonly Problem[]; readonly theirs: readonly Problem[] }> {
  const entries = z
    .array(z.unknown())
    .catch([])
    .parse(tree.valueAt(['authentication']));
  const own: Problem[] = [];
  const theirs: Problem[] = [];
  for (const index of entries.keys()) {
    const at = ['authentication', index, 'totpSecretsFile'];
    const written = tree.valueAt(at);
    if (typeof written !== 'string' || written === '') continue;
    const absolute = resolve(tree.baseDirAt(at), written);
    const shownAs = isAbsolute(written) ? written : join(dirname(tree.problemAt(at, '').file), written);
    const read = await readBoundedFile(absolute, SECRETS_FILE_BYTES_MAX);
    if (!read.ok) own.push(tree.problemAt(at, read.message));
    else theirs.push(...problemsOf(await readTotpSecretsFile(absolute, shownAs)));
  }
  return { own, theirs };
}

/**
 * Gives a name a secret in a file of secrets, or takes it away when there is none; the file is made when there is none.
 *
 * @returns false when there was nothing to take away. @throws UsersFileRefused when the file has mistakes.
 */
export async function setSecretInFile(path: string, name: string, secret: string | undefined): Promise<boolean> {
  const read = await readBoundedFile(path, SECRETS_FILE_BYTES_MAX);
  if (!read.ok && read.reason !== 'absent') throw new UsersFileRefused([fileProblem(path, read.message)]);
  if (read.ok) refuseProblems(await readTotpSecretsFile(path));
  const document = parseDocument(read.ok ? read.text : NEW_FILE);
  const list = document.get('secrets');
  if (!isSeq(list)) throw new UsersFileRefused([fileProblem(path, 'has no list secrets')]);
  const index = list.items.findIndex((entry) => isMap(entry) && entry.get('name') === name);
  if (secret === undefined && index === -1) return false;
  if (index !== -1) list.delete(index);
  if (secret !== undefined) list.add(document.createNode({ name, secret }));
  list.flow = list.items.length === 0;
  await replaceFile(path, document.toString({ lineWidth: 0 }));
  return true;
}

const NEW_FILE = '# Secrets of authenticator apps; edited by `sallyport user totp`.\nsecrets: []\n';

function problemsOf(file: TotpSecretsFile): readonly Problem[] {
  return file.ok ? [] : file.problems;
}

function refuseProblems(file: TotpSecretsFile): void {
  if (!file.ok) throw new UsersFileRefused(file.problems);
}

/** What the file holds: a list, since names may have capitals, which keys may not. */
export const totpSecretsSchema = z.strictObject({
  secrets: z
    .array(z.strictObject({ name: userName, secret: totpSecret }))
    .max(100_000)
    .superRefine(refuseSameName('has a secret already'), IF_LIST)
    .default([]),
});

const SECRETS_FILE_BYTES_MAX = 16_777_216;
