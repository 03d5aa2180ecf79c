/**
 * The system's accounts, asked through its own programs: `getent` reads the databases of users and groups wherever the
 * system keeps them (NSS), `unix_chkpwd` of Linux-PAM compares a password with the shadow file.
 */
import type { Secret } from '../lib/secret.ts';
import { runProgram } from './run-program.ts';

/** An account as the user database has it. */
export interface UnixAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** What is asked of the system. */
export interface UnixAccounts {
  /** @returns undefined when there is no account of exactly that name. @throws when the database does not answer. */
  find(name: string, signal: AbortSignal): Promise<UnixAccount | undefined>;
  /** The names of all its groups, the primary one first. */
  groupsOf(account: UnixAccount, signal: AbortSignal): Promise<readonly string[]>;
  isPassword(name: string, password: Secret, signal: AbortSignal): Promise<boolean>;
  /** Whether account and password are within their time, and the password need not be changed first. */
  isCurrent(name: string, signal: AbortSignal): Promise<boolean>;
}

/** Asks these programs. */
export function systemAccounts({ getent, chkpwd }: { readonly getent: string; readonly chkpwd: string }): UnixAccounts {
  const database = async (words: readonly string[], signal: AbortSignal): Promise<string[][]> => {
    const { exitCode, output } = await runProgram(getent, words, { signal });
    if (exitCode !== 0 && exitCode !== NOT_FOUND) throw new Error(`getent ${words[0]} ended with ${exitCode}`);
    return output.split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')]));
  };
  return {
    async find(name, signal) {
      if (!isUnixName(name)) return undefined;
      const [row = []] = await database(['passwd', name], signal);
      const [found, , uid = '', gid = '', , home = '', shell = ''] = row;
      // A name of digits is taken for a user number, and some directories do not tell capitals apart.
      if (found !== name || !isNumber(uid) || !isNumber(gid)) return undefined;
      return { name, uid: Number(uid), gid: Number(gid), home, shell: shell === '' ? DEFAULT_SHELL : shell };
    },

    async groupsOf({ name, gid }, signal) {
      const [row = []] = await database(['initgroups', name], signal);
      // One line: the name, then the numbers of its supplementary groups.
      const more = (row[0] ?? '').slice(name.length).split(/\s+/).filter(isNumber);
      const gids = [...new Set([String(gid), ...more])].slice(0, GROUPS_MAX);
      const rows = await database(['group', ...gids], signal);
      return rows.flatMap(([group = '']) => (group === '' ? [] : [group]));
    },

    async isPassword(name, password, signal) {
      const text = password.reveal();
      // The program reads up to a NUL, and so much at most: what it would not read whole must not be right.
      const whole = text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= PASSWORD_BYTES_MAX;
      if (!isUnixName(name) || !whole) return false;
      const { exitCode } = await runProgram(chkpwd, [name, 'nonull'], { input: `${text}\0`, signal });
      return exitCode === SUCCESS;
    },

    async isCurrent(name, signal) {
      if (!isUnixName(name)) return false;
      return (await runProgram(chkpwd, [name, 'chkexpiry'], { signal })).exitCode === SUCCESS;
    },
  };
}

/** What `getent` ends with when a key is not in the database. */
const NOT_FOUND = 2;

/** PAM_SUCCESS; everything else is some kind of no (7 a wrong password, 9 and 10 an unknown user, 12, 13 and 27 expired). */
const SUCCESS = 0;

/** What an empty field means (passwd(5)). */
const DEFAULT_SHELL = '/bin/sh';
/** More than Linux lets a process have would not help; protects the command line. */
const GROUPS_MAX = 1_024;
/** `unix_chkpwd` reads 512 bytes with the NUL (PAM_MAX_RESP_SIZE). */
const PASSWORD_BYTES_MAX = 511;

/** Never an option of a program that is run with it. */
function isUnixName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/.test(name);
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}
