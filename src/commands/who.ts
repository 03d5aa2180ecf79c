/** SITE WHO: the sessions of the account that asks, and nobody else's. */
import type { Reply } from '../protocol/reply.ts';
import { reply } from '../protocol/reply.ts';
import type { CommandContext } from '../spi/command.ts';

/** The account's sessions, oldest first, the one that asks marked with `*`. Times are UTC. */
export async function ownSessions({ session, sessions }: Pick<CommandContext, 'session' | 'sessions'>): Promise<Reply> {
  const lines = [...(await sessions())]
    .sort((a, b) => a.sinceMs - b.sinceMs)
    .map(({ id, address, sinceMs, transfer }) => {
      const since = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z');
      return `${id === session.id ? '*' : ' '} ${id} ${address} since ${since} ${transfer ?? 'idle'}`;
    });
  return reply(211, 'Your sessions:', ...lines, 'End');
}
