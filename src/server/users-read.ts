/** What a users file that was read brought: which accounts, by their names alone, for the record of it. */
import { isDeepStrictEqual } from 'node:util';
import type { UserOptions } from '../auth/users.ts';

/** A users file as it was read. */
export interface UsersRead {
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** How its accounts differ from those before; undefined when it was read for the first time. */
  readonly changes:
    | {
        readonly added: readonly string[];
        readonly removed: readonly string[];
        /** Accounts of which anything is different, the password included. */
        readonly changed: readonly string[];
      }
    | undefined;
}

/** Compares the accounts with those before. */
export function usersReadOf(
  { users, sha256 }: { readonly users: readonly UserOptions[]; readonly sha256: string },
  before: readonly UserOptions[] | undefined,
): UsersRead {
  if (before === undefined) return { sha256, changes: undefined };
  const old = new Map(before.map((user) => [user.name, user]));
  const names = new Set(users.map(({ name }) => name));
  const added = users.filter(({ name }) => !old.has(name));
  const removed = before.filter(({ name }) => !names.has(name));
  const changed = users.filter((user) => old.has(user.name) && !isDeepStrictEqual(user, old.get(user.name)));
  return { sha256, changes: { added: namesOf(added), removed: namesOf(removed), changed: namesOf(changed) } };
}

function namesOf(users: readonly UserOptions[]): readonly string[] {
  return users.map(({ name }) => name);
}
