/**
 * Whether something is an account as the contract says. Types say it already; an authenticator that was not type-checked
 * may hand over anything, and what is missing in an account would be found out in the middle of somebody's transfer.
 */
import { ROOT, resolvePath } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import type { FileSystem } from '../spi/file-system.ts';

/** What is wrong with it, in words for the log; undefined when it is an account. */
export function accountProblem(account: unknown): string | undefined {
  if (typeof account !== 'object' || account === null) return 'the account is no object';
  const name = partOf(account, 'name');
  if (typeof name !== 'string' || name === '') return 'the account has no name';
  const files = partOf(account, 'files');
  const missing = Object.keys(FILE_METHODS).find((method) => typeof partOf(files, method) !== 'function');
  if (missing !== undefined) return `the files of the account have no method ${missing}`;
  const wrong = Object.entries(PARTS).find(([part, isRight]) => !isRight(partOf(account, part)));
  return wrong === undefined ? undefined : `the account's ${wrong[0]} are not what the contract says`;
}

/** Whether it is one. */
export function isAccount(account: unknown): account is Account {
  return accountProblem(account) === undefined;
}

/** Whether it is the one form of a path that storage is given. */
export function isPath(path: unknown): boolean {
  return typeof path === 'string' && resolvePath(ROOT, path) === path;
}

/** A part of anything; undefined where there is none. */
export function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

type MethodsOf<T> = { [K in keyof T as undefined extends T[K] ? never : K]: true };

/** What every storage must be able to do. */
const FILE_METHODS: MethodsOf<FileSystem> = {
  stat: true,
  enter: true,
  list: true,
  openRead: true,
  stage: true,
  resumableBytes: true,
  makeDirectory: true,
  removeDirectory: true,
  removeFile: true,
  rename: true,
  setModified: true,
  setMode: true,
  freeBytes: true,
};

/** The other parts that decide what somebody may do, and those that sessions begin with. */
const PARTS: Readonly<Record<string, (part: unknown) => boolean>> = {
  permissions: isSet,
  directories: (part) => Array.isArray(part) && part.every(isDirectoryRule),
  existing: (part) => part === 'keep' || part === 'replace',
  onIncomplete: (part) => part === 'keep' || part === 'remove',
  groups: (part) => part === undefined || (Array.isArray(part) && part.every((group) => typeof group === 'string')),
  startDirectory: (part) => part === undefined || isPath(part),
  charset: (part) => part === undefined || (isMethod(part, 'decode') && isMethod(part, 'encode')),
};

function isSet(part: unknown): boolean {
  return part instanceof Set;
}

function isDirectoryRule(rule: unknown): boolean {
  return (
    isPath(partOf(rule, 'path')) && isSet(partOf(rule, 'permissions')) && typeof partOf(rule, 'recursive') === 'boolean'
  );
}

function isMethod(part: unknown, name: string): boolean {
  return typeof partOf(part, name) === 'function';
}
