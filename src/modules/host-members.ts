/** Who may log in at a virtual host (RFC 7151 section 3). */
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';

/** A virtual host and the accounts that may log in there; without a list all may. */
export interface HostMembers {
  readonly name: string;
  readonly users?: readonly string[] | undefined;
}

/**
 * Refuses logins of accounts that are not on their host's list, behind the proof of the password and with the words of a
 * wrong one, so that nobody learns who has an account elsewhere.
 */
export function hostMembers(hosts: readonly HostMembers[]): Module {
  const members = new Map(hosts.map(({ name, users }) => [name, users && new Set(users)]));
  return defineModule({
    name: 'host-members',
    onLogin(account, { host = '' }) {
      if (members.get(host)?.has(account.name) !== false) return;
      throw new Fault('LoginIncorrect', { cause: new Error(`${account.name} may not log in at ${host}`) });
    },
  });
}
