/** The options that are paths on disk. What is relative in a file is relative to that file. */
import { resolve } from 'node:path';
import type { KeyPath } from './key-names.ts';

/** Where they are; `*` stands for every entry of a list. A path that is written down somewhere else is added here. */
const FILE_PATHS: readonly KeyPath[] = [
  ...['clientCaFile', 'crlFile'].flatMap((key) => [
    ['tls', key],
    ['hosts', '*', key],
  ]),
  ['tls', 'inventoryFile'],
  ...['certificateFile', 'keyFile', 'passphraseFile', 'ocspResponseFile'].flatMap((key) => [
    ['tls', key],
    ['tls', 'certificates', '*', key],
    ['hosts', '*', key],
    ['hosts', '*', 'certificates', '*', key],
  ]),
  ['users', '*', 'home'],
  ['usersFile'],
  ['stateDirectory'],
  ['audit', 'keyFile'],
  ['authentication', '*', 'totpSecretsFile'],
  ['authentication', '*', 'account', 'home'],
  ['authentication', '*', 'caFile'],
  ['authentication', '*', 'secretFile'],
  ['authentication', '*', 'search', 'passwordFile'],
  ...['socket', 'caFile', 'secretFile'].map((key) => ['gates', '*', key]),
  ...['caFile', 'secretFile', 'passwordFile', 'certificateFile', 'keyFile'].map((key) => ['deliveries', '*', key]),
];

/** The same options with absolute paths; `baseDirAt` knows the folder of the file in which a value stands. */
export function withAbsolutePaths<Options>(options: Options, baseDirAt: (path: KeyPath) => string): Options;
export function withAbsolutePaths(options: unknown, baseDirAt: (path: KeyPath) => string): unknown {
  return FILE_PATHS.reduce((value, pattern) => changed(value, pattern, [], baseDirAt), options);
}

function changed(value: unknown, pattern: KeyPath, at: KeyPath, baseDirAt: (path: KeyPath) => string): unknown {
  const [key, ...rest] = pattern;
  // A template such as `{home}/ftp` begins with what is absolute already.
  if (key === undefined)
    return typeof value === 'string' && !value.startsWith('{') ? resolve(baseDirAt(at), value) : value;
  if (Array.isArray(value) && key === '*') {
    return value.map((entry, index) => changed(entry, rest, [...at, index], baseDirAt));
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value;
  return { ...value, [key]: changed(Reflect.get(value, key), rest, [...at, key], baseDirAt) };
}
