/**
 * The users file: accounts in a YAML file of their own, which `sallyport user` edits and the gateway reads anew. Edits
 * keep the operator's comments and replace the file in one step, so that a reader never sees half of it.
 */
import { hash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from 'yaml';
import { isPasswordHash } from '../auth/password-hash.ts';
import type { UserOptions, UserOptionsInput } from '../auth/users.ts';
import type { Directive } from '../spi/directive.ts';
import { type FileText, readBoundedFile } from './bounded-file.ts';
import { BUILT_IN_DIRECTIVES } from './built-in-directives.ts';
import { type KeyPath, toSnakeCase } from './key-names.ts';
import { usersFileOptionsWith } from './options.ts';
import { fileProblem, formatProblem, inOrder, type Problem } from './problem.ts';
import { homeFindings } from './reality.ts';
import { replaceFile } from './replace-file.ts';
import { openToOthers } from './secret-mode.ts';
import { validate } from './validate.ts';
import { parseYaml } from './yaml-source.ts';

/** The accounts of a users file, or what is wrong with it. */
export type UsersFile =
  | {
      readonly ok: true;
      /** Homes are absolute: relative ones are relative to the users file's folder. */
      readonly users: readonly UserOptions[];
      /** SHA-256 of its text, in small hexadecimal digits. */
      readonly sha256: string;
      /** A problem in this file that only its reader can see, such as a name that is taken elsewhere. */
      problemAt(path: KeyPath, message: string): Problem;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Thrown when a users file cannot be edited, or would be wrong afterwards; it has not been touched. */
export class UsersFileRefused extends Error {
  override readonly name = 'UsersFileRefused';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** How a users file is read. */
export interface UsersFileReading {
  /** Its name in problems, when that is not the path. */
  readonly shownAs?: string;
  /** Whether a home that does not exist is a problem, as by default, or one account's own affair. */
  readonly homes?: 'checked' | 'unchecked';
  /** The directives that accounts may hold; those of the built-in modules by default. */
  readonly directives?: readonly Directive[];
}

/** Reads and checks a users file. */
export async function readUsersFile(path: string, reading: UsersFileReading = {}): Promise<UsersFile> {
  const { shownAs = path } = reading;
  const read = await readBoundedFile(path, USERS_FILE_BYTES_MAX);
  if (!read.ok) return { ok: false, problems: [fileProblem(shownAs, read.message)] };
  return checkUsers(read, { ...reading, shownAs, baseDir: dirname(resolve(path)) });
}

/** Reads a users file's text and nothing more, for a caller that has its own place to report a missing file at. */
export function readUsersText(path: string): Promise<FileText> {
  return readBoundedFile(path, USERS_FILE_BYTES_MAX);
}

/**
 * Checks the text of a users file, who else may read it, and that the homes in it exist unless that is not asked for.
 */
export async function checkUsers(
  { text, mode }: Pick<Extract<FileText, { ok: true }>, 'text' | 'mode'>,
  {
    shownAs,
    baseDir,
    homes = 'checked',
    directives = BUILT_IN_DIRECTIVES,
  }: UsersFileReading & { readonly shownAs: string; readonly baseDir: string },
): Promise<UsersFile> {
  const source = parseYaml(shownAs, text);
  if (!source.sound) return { ok: false, problems: source.problems };
  const checked = validate(source, usersFileOptionsWith(directives), { directives });
  const findings = homes === 'checked' ? await homeFindings(source.value, { baseDirAt: () => baseDir }) : [];
  const open = openToOthers(shownAs, mode);
  const problems = [
    ...(open === undefined ? [] : [fileProblem(shownAs, open)]),
    ...source.problems,
    ...(checked.ok ? [] : checked.problems),
    ...findings.map((finding) => source.problemAt(finding.path, finding.message)),
  ];
  if (!checked.ok || problems.length > 0) return { ok: false, problems: inOrder(problems) };
  const users = checked.value.users.map((user) => ({ ...user, home: resolve(baseDir, user.home) }));
  return { ok: true, users, sha256: hash('sha256', text), problemAt: source.problemAt };
}

/**
 * Adds an account at the end, and makes the file (mode 0600) when there is none. As in the functions below, `directives` are
 * those that accounts may hold.
 *
 * @returns false when the name is taken; the file is then as it was.
 * @throws UsersFileRefused when the file has mistakes or the account would be one.
 */
export function addUser(
  path: string,
  user: UserOptionsInput,
  directives: readonly Directive[] = BUILT_IN_DIRECTIVES,
): Promise<boolean> {
  return edit(path, directives, ({ users, document, text }) => {
    if (indexOf(users, user.name) !== -1) return undefined;
    users.add(document.createNode(inSnakeCase(user)));
    // An empty list is written as `[]`; accounts are easier to read below one another.
    users.flow = false;
    return written(document, text);
  });
}

/**
 * Removes an account and the comment above it, except above the first, where it may speak of all. Its files stay.
 *
 * @returns false when there is none. @throws UsersFileRefused as `addUser`.
 */
export function removeUser(
  path: string,
  name: string,
  directives: readonly Directive[] = BUILT_IN_DIRECTIVES,
): Promise<boolean> {
  return edit(path, directives, ({ users, document, text }) => {
    const index = indexOf(users, name);
    if (index === -1) return undefined;
    users.delete(index);
    return written(document, text);
  });
}

/**
 * Gives an account another password; nothing else in the file changes.
 *
 * @returns false when there is none. @throws UsersFileRefused as `addUser`.
 */
export function setPassword(
  path: string,
  name: string,
  passwordHash: string,
  directives: readonly Directive[] = BUILT_IN_DIRECTIVES,
): Promise<boolean> {
  return edit(path, directives, ({ users, document, text }) => {
    const user = users.items[indexOf(users, name)];
    if (!isMap(user)) return undefined;
    const place = user.get('password_hash', true)?.range;
    if (!place) {
      user.set('password_hash', passwordHash);
      return written(document, text);
    }
    const quote = /^['"]/.exec(text.slice(place[0]))?.[0] ?? '';
    // No character of a hash needs escaping; anything else is quoted, and refused as no hash.
    const value = isPasswordHash(passwordHash) ? quote + passwordHash + quote : JSON.stringify(passwordHash);
    return text.slice(0, place[0]) + value + text.slice(place[1]);
  });
}

/**
 * Gives an account a secret for its authenticator app, or takes it away when there is none.
 *
 * @returns false when there is no such account. @throws UsersFileRefused as `addUser`.
 */
export function setTotpSecret(
  path: string,
  name: string,
  secret: string | undefined,
  directives: readonly Directive[] = BUILT_IN_DIRECTIVES,
): Promise<boolean> {
  return edit(path, directives, ({ users, document, text }) => {
    const user = users.items[indexOf(users, name)];
    if (!isMap(user)) return undefined;
    if (secret === undefined) user.delete('totp_secret');
    else user.set('totp_secret', secret);
    return written(document, text);
  });
}

const USERS_FILE_BYTES_MAX = 67_108_864;

const NEW_FILE = '# Accounts of the gateway; edited by `sallyport user`.\nusers: []\n';

/** A users file that is being edited. */
interface OpenUsersFile {
  readonly text: string;
  readonly document: Document;
  readonly users: YAMLSeq;
}

/** Replaces the file by what `change` makes of it; undefined means that there is nothing to change. */
async function edit(
  path: string,
  directives: readonly Directive[],
  change: (file: OpenUsersFile) => string | undefined,
): Promise<boolean> {
  const read = await readUsersText(path);
  if (!read.ok && read.reason !== 'absent') throw new UsersFileRefused([fileProblem(path, read.message)]);
  const text = read.ok ? read.text : NEW_FILE;
  const schema = usersFileOptionsWith(directives);
  refuseMistakes(path, text, schema);
  const document: Document = parseDocument(text);
  const changed = change({ text, document, users: usersIn(document) });
  if (changed === undefined) return false;
  refuseMistakes(path, changed, schema);
  await replaceFile(path, changed);
  return true;
}

/** The document in the layout of the text it came from. */
function written(document: Document, text: string): string {
  return document.toString({ lineWidth: 0, indentSeq: !/^- /m.test(text) }).replace(/^ +$/gm, '');
}

/** Homes are not looked at: an account whose home is gone can still be removed. */
function refuseMistakes(path: string, text: string, schema: ReturnType<typeof usersFileOptionsWith>): void {
  const source = parseYaml(path, text);
  const checked = validate(source, schema);
  const problems = source.sound && !checked.ok ? [...source.problems, ...checked.problems] : source.problems;
  if (problems.length > 0) throw new UsersFileRefused(inOrder(problems));
}

function usersIn(document: Document): YAMLSeq {
  const users = document.get('users');
  if (isSeq(users)) return users;
  const empty = new YAMLSeq();
  if (document.contents === null) document.contents = new YAMLMap();
  document.set('users', empty);
  return empty;
}

function indexOf(users: YAMLSeq, name: string): number {
  return users.items.findIndex((user) => isMap(user) && user.get('name') === name);
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  const written = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(written.map(([key, inner]) => [toSnakeCase(key), inSnakeCase(inner)]));
}
