/**
 * One connection to a directory server, for one login. The socket is opened and secured here and given to `ldapts` ready
 * made: that client would open another one by itself when a connection is lost, also one in clear behind STARTTLS.
 */
import { readFile } from 'node:fs/promises';
import { Client, ResultCodeError } from 'ldapts';
import { assert } from '../lib/assert.ts';
import { firstOf } from '../lib/first-of.ts';
import type { Secret } from '../lib/secret.ts';
import { connectOut, secureOut } from '../transport/outgoing.ts';
import { directoryUrl, type LdapOptions } from './ldap-options.ts';

/** An entry: its name in the tree, and the values of the attributes that were asked for, by their names in small letters. */
export interface Entry {
  readonly dn: string;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** What is searched, and how much of it. */
export interface Search {
  readonly base: string;
  readonly filter: string;
  readonly attributes: readonly string[];
  /** `one` stops at two, which is enough to know that it is not one; `all` asks page by page. */
  readonly want: 'one' | 'all';
}

/** A connection to a directory server. Everything on it throws when the connection or the server fails. */
export interface Directory extends Disposable {
  /** Whether the server takes the password for that name. Asked with an empty one it would say yes to everybody. */
  bind(name: string, password: Secret): Promise<boolean>;
  search(search: Search): Promise<readonly Entry[]>;
  /** One entry by its name; undefined when there is none, or this user may not see it. */
  read(dn: string, attributes: readonly string[]): Promise<Entry | undefined>;
}

/** Connects to one of the servers. @throws an error of the network, of TLS or of STARTTLS; the signal's reason. */
export async function openDirectory(url: string, options: LdapOptions, signal: AbortSignal): Promise<Directory> {
  const server = directoryUrl(url);
  assert(server !== undefined, 'the URL was checked when the options were read');
  const plain = await connectOut(server, signal);
  const socket = server.secure || options.startTls ? await secured(plain, server, options, signal) : plain;
  const drop = () => void socket.destroy();
  signal.addEventListener('abort', drop);
  let receivedBytes = 0;
  let given = false;
  const client = new Client({
    url: `ldap://${server.host.includes(':') ? `[${server.host}]` : server.host}`,
    createConnection: () => {
      // `ldapts` would wait for ever for a socket that is no longer open to be connected.
      if (given || socket.readyState !== 'open') throw new Error('the connection to the directory was lost');
      given = true;
      socket.on('data', (chunk: Buffer) => {
        receivedBytes += chunk.length;
        if (receivedBytes > RECEIVED_BYTES_MAX) socket.destroy(new Error('the directory said too much'));
      });
      return socket;
    },
  });
  const searchWith = async (base: string, asked: Parameters<Client['search']>[1]): Promise<Entry[]> =>
    (await client.search(base, asked)).searchEntries.map(entryOf);
  return {
    async bind(name, password) {
      // Either would be an anonymous or undefined bind that succeeds (RFC 4513 sections 5.1.2 and 5.1.3), and the bare
      // name of a SASL mechanism would be taken for one by `ldapts`.
      assert(password.reveal() !== '' && /[=@\\]/.test(name), 'a bind needs a name and a password');
      return await accepted(client.bind(name, password.reveal()), signal);
    },
    async search({ base, filter, attributes, want }) {
      const bounds = want === 'one' ? { sizeLimit: 2 } : { paged: { pageSize: 500 } };
      return await searchWith(base, { scope: 'sub', filter, attributes: [...attributes, NONE], ...bounds });
    },
    async read(dn, attributes) {
      const found = searchWith(dn, { scope: 'base', attributes: [...attributes, NONE] });
      const entries = await found.catch((error: unknown) => {
        if (error instanceof ResultCodeError && error.code === NO_SUCH_OBJECT) return [];
        throw error;
      });
      return entries[0];
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', drop);
      socket.destroy();
    },
  };
}

/** Protects from a server, or somebody in its place, that never stops talking. */
const RECEIVED_BYTES_MAX = 4_194_304;

/** Asks for no further attributes; a list without any would ask for all of them. */
const NONE = '1.1';

const NO_SUCH_OBJECT = 32;
/** busy, unavailable: about the server, not about the user. */
const SERVER_TROUBLE: ReadonlySet<number> = new Set([51, 52]);

async function accepted(bound: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await bound;
    signal.throwIfAborted();
    return true;
  } catch (error) {
    if (error instanceof ResultCodeError && !SERVER_TROUBLE.has(error.code)) return false;
    throw error;
  }
}

async function secured(
  plain: Awaited<ReturnType<typeof connectOut>>,
  { host, secure }: { readonly host: string; readonly secure: boolean },
  options: LdapOptions,
  signal: AbortSignal,
) {
  try {
    const ca = options.caFile === undefined ? undefined : await readFile(options.caFile, 'utf8');
    if (!secure) await startTls(plain, signal);
    return await secureOut(plain, { host, ca }, signal);
  } catch (error) {
    plain.destroy();
    throw error;
  }
}

/** The extended request that asks for TLS, 1.3.6.1.4.1.1466.20037, as message 1. */
const START_TLS = Buffer.from('301d02010177188016312e332e362e312e342e312e313436362e3230303337', 'hex');

/** The first bytes of a response to it that says success: message 1, extended response, result code 0. */
const STARTED = /^30(?:[0-7][0-9a-f]|81[0-9a-f]{2})02010178(?:[0-7][0-9a-f]|81[0-9a-f]{2})0a0100/;

/**
 * Asks for TLS. What came in clear behind the answer, or is left of it, must not be read as the beginning of what TLS
 * protects: anything but exactly one message is refused.
 */
async function startTls(socket: Awaited<ReturnType<typeof connectOut>>, signal: AbortSignal): Promise<void> {
  socket.write(START_TLS);
  let received = Buffer.alloc(0);
  for (;;) {
    await firstOf(socket, ['readable', 'close', 'end'], signal);
    const chunk: unknown = socket.read();
    if (Buffer.isBuffer(chunk)) received = Buffer.concat([received, chunk]);
    else if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended at STARTTLS');
    const total = messageBytes(received);
    if (received.length === total && STARTED.test(received.toString('hex'))) return;
    if (received.length >= (total ?? ANSWER_BYTES_MAX) || received.length > ANSWER_BYTES_MAX) {
      throw new Error('the server refused STARTTLS, or said something else');
    }
  }
}

const ANSWER_BYTES_MAX = 1_024;

/** The length of the BER sequence that begins here, its head included; undefined while that cannot be known, 0 for none. */
function messageBytes(bytes: Buffer): number | undefined {
  const [tag, length] = bytes;
  if (tag !== undefined && tag !== 0x30) return 0;
  if (length === undefined) return undefined;
  if (length < 0x80) return 2 + length;
  const lengthBytes = length & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 4) return 0;
  return bytes.length < 2 + lengthBytes ? undefined : 2 + lengthBytes + bytes.readUIntBE(2, lengthBytes);
}

function entryOf({ dn, ...attributes }: { dn: string; [attribute: string]: unknown }): Entry {
  const values = new Map<string, readonly string[]>();
  for (const [name, written] of Object.entries(attributes)) {
    const list = Array.isArray(written) ? written : [written];
    values.set(
      name.toLowerCase(),
      list.filter((value) => typeof value === 'string'),
    );
  }
  return { dn, values };
}
