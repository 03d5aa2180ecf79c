/**
 * A worker: the process that does the file operations of one user, with that user's rights and no others. It is started
 * as `main.ts user uid gid`, with a channel to its gateway as descriptor 3 and nothing else, and ends with that channel.
 */
import { Socket } from 'node:net';
import { z } from 'zod';
import { createLocalStorage } from '../local.ts';
import { becomeUser, closeInherited } from './rights.ts';
import { serveRequests } from './service.ts';

/** Below it are the standard ones. */
const CHANNEL_FD = 3;

const idNumber = z.coerce.number().int().min(0).max(4_294_967_294);
const [user, uid, gid] = z.tuple([z.string().min(1), idNumber, idNumber]).parse(process.argv.slice(2));

// Before a single byte is read. A throw ends the process here.
closeInherited(CHANNEL_FD);
becomeUser({ user, uid, gid });
// Bits are set explicitly; until then what is new is nobody else's.
process.umask(0o077);
process.title = `sallyport files of ${user}`;
// A terminal or a service manager may tell the whole group to stop; it is the gateway that says when uploads are over.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const channel = new Socket({ fd: CHANNEL_FD });
// A lost gateway has nobody left to answer to: at once, whatever is being done, as if the machine had lost both.
channel.on('error', () => undefined).on('close', () => process.kill(process.pid, 'SIGKILL'));
serveRequests(channel, createLocalStorage());
