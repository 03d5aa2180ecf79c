/**
 * Resumption in TLS 1.2 by session id, for clients that switch tickets off (curl does, always). Node asks for sessions by
 * events of a server, which need not be one that listens.
 */
import type { Server } from 'node:net';
import { BoundedMap } from '../lib/bounded-map.ts';

/** One handshake makes one session in TLS 1.2; in 1.3 each ticket counts as one, though nobody asks for those by their id. */
const SESSIONS_MAX = 4;

/** The sessions of one control connection. */
export class SessionMemory {
  readonly #sessions = new BoundedMap<string, Buffer>(SESSIONS_MAX);

  /** Has the socket that gets this `server` option remember its session. */
  remember(server: Server): Server {
    return server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
      this.#sessions.set(id.toString('hex'), session);
      done();
    });
  }

  /** Has one find those sessions again, and remember no other. */
  recall(server: Server): Server {
    return server.on('resumeSession', (id: Buffer, found: (error: null, session: Buffer | null) => void) => {
      found(null, this.#sessions.get(id.toString('hex')) ?? null);
    });
  }
}
