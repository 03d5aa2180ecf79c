/** How many connections there may be: in all, from one address, and of one account. */
import { networkOf } from '../protocol/ip-address.ts';
import type { Limits } from '../protocol/limits.ts';
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';

/** Counts connections and logins and refuses those beyond the limits with 421. */
export function connectionLimits(limits: Limits): Module {
  const total = new Tally();
  const byAddress = new Tally();
  const byAccount = new Tally();
  /** The account that each session was counted for; a session may log in again as someone else. */
  const countedAs = new Map<string, string>();

  return defineModule({
    name: 'connection-limits',
    onConnect(peer) {
      if (total.of('') >= limits.connectionsMax) throw new Fault('TooManyConnections');
      const network = networkOf(peer.address);
      if (byAddress.of(network) >= limits.connectionsPerAddressMax) {
        throw new Fault('TooManyConnections', { text: 'Too many connections from your address; close some first.' });
      }
      total.add('');
      byAddress.add(network);
    },
    onLogin(account, session) {
      const before = countedAs.get(session.id);
      if (before !== account.name && byAccount.of(account.name) >= limits.connectionsPerAccountMax) {
        throw new Fault('TooManyConnections', { text: 'Too many connections of this account; close some first.' });
      }
      if (before !== undefined) byAccount.remove(before);
      byAccount.add(account.name);
      countedAs.set(session.id, account.name);
    },
    onDisconnect(session) {
      total.remove('');
      byAddress.remove(networkOf(session.peer.address));
      const account = countedAs.get(session.id);
      if (account !== undefined) byAccount.remove(account);
      countedAs.delete(session.id);
    },
  });
}

/** Counts by name; names that are at zero take no memory. */
class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string): void {
    const left = this.of(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
