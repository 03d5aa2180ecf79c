/** How many connections there may be: in all, from one address, and of one account. */
import { networkOf } from '../protocol/ip-address.ts';
import type { Limits } from '../protocol/limits.ts';
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';

/** The connections that there are, each with the session that it belongs to. */
export interface ConnectionCounts {
  /** Counts a connection. @throws Fault `TooManyConnections` when it is one too many. */
  connect(session: string, address: string): Promise<void> | void;
  /** Counts a session for an account, in place of the one that it was counted for before. @throws as `connect`. */
  logIn(session: string, account: string): Promise<void> | void;
  /** Counts a connection no longer. */
  disconnect(session: string, address: string): void;
}

/** What bounds connections. */
export type ConnectionBounds = Pick<Limits, 'connectionsMax' | 'connectionsPerAddressMax' | 'connectionsPerAccountMax'>;

/** Refuses connections and logins beyond the limits with 421. */
export function connectionLimits(
  limits: ConnectionBounds,
  counts: ConnectionCounts = connectionCounts(() => limits),
): Module {
  return defineModule({
    name: 'connection-limits',
    onConnect: (peer, session) => counts.connect(session.id, peer.address),
    onLogin: (account, session) => counts.logIn(session.id, account.name),
    onDisconnect: (session) => counts.disconnect(session.id, session.peer.address),
  });
}

/** Counts that decide at once. */
export interface OwnCounts extends ConnectionCounts {
  connect(session: string, address: string): void;
  logIn(session: string, account: string): void;
}

/** Makes the counts, in the memory of this process. The limits are asked for anew each time. */
export function connectionCounts(limits: () => ConnectionBounds): OwnCounts {
  const total = new Tally();
  const byAddress = new Tally();
  const byAccount = new Tally();
  /** The account that each session was counted for; a session may log in again as someone else. */
  const countedAs = new Map<string, string>();

  return {
    connect(_session, address) {
      const { connectionsMax, connectionsPerAddressMax } = limits();
      if (total.of('') >= connectionsMax) throw new Fault('TooManyConnections');
      const network = networkOf(address);
      if (byAddress.of(network) >= connectionsPerAddressMax) {
        throw new Fault('TooManyConnections', { text: 'Too many connections from your address; close some first.' });
      }
      total.add('');
      byAddress.add(network);
    },
    logIn(session, account) {
      const before = countedAs.get(session);
      if (before !== account && byAccount.of(account) >= limits().connectionsPerAccountMax) {
        throw new Fault('TooManyConnections', { text: 'Too many connections of this account; close some first.' });
      }
      if (before !== undefined) byAccount.remove(before);
      byAccount.add(account);
      countedAs.set(session, account);
    },
    disconnect(session, address) {
      total.remove('');
      byAddress.remove(networkOf(address));
      const account = countedAs.get(session);
      if (account !== undefined) byAccount.remove(account);
      countedAs.delete(session);
    },
  };
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
