/** Ports for servers that must be told theirs before they start, and whether they listen by now. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** Well-known services are rare from here on. */
const FIRST = 10_000;
/** Where the ports begin that a system gives out itself, when it does not tell (RFC 6335 section 6). */
const DYNAMIC_FIRST = 49_152;
/** For systems that give out nearly all ports themselves. */
const ROOM_MIN = 10_000;
const TRIES_MAX = 100;

/**
 * A port of the loopback address that is free now. It lies below those that the system gives out itself, so that no connection and
 * no listener of another program comes upon it by chance before the server has started.
 *
 * @throws Error when none is found.
 */
export async function freePort(): Promise<number> {
  const end = Math.max(firstGivenOut(), FIRST + ROOM_MIN);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(FIRST, end);
    if (await isFree(port)) return port;
  }
  throw new Error('there is no free port');
}

/** Whether somebody listens on a port of the loopback address, or on a Unix socket. */
export async function isListening(to: { readonly port: number } | { readonly path: string }): Promise<boolean> {
  const socket = connect('port' in to ? { ...to, host: '127.0.0.1' } : to);
  const answer = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answer;
}

function firstGivenOut(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    // Only Linux has this file.
    return DYNAMIC_FIRST;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const answer = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return answer;
}
