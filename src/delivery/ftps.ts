/**
 * Another FTPS server to which published files are forwarded: sent under a temporary name, looked at there, and renamed. The
 * data connection resumes the control connection's TLS session, and nothing is ever sent in clear.
 */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Client, FTPError } from 'basic-ftp';
import { z } from 'zod';
import { readSecret } from '../lib/secret-file.ts';
import { type Contents, verify } from './contents.ts';
import { Undeliverable } from './undeliverable.ts';
import { deliveryKeys, filePath, type Parcel, refuseCrossedWaits, type Way } from './way.ts';

/** What can stand in a line of FTP. */
const LINE = /^[^\0\r\n]*$/;
const inLine = { error: 'must not hold NUL, CR or LF' };

/** An FTPS server. */
export const ftpsEntry = z
  .strictObject({
    kind: z.literal('ftps'),
    ...deliveryKeys,
    /** How long one attempt may take; a large file takes its time. */
    timeoutMs: deliveryKeys.timeoutMs.unwrap().default(3_600_000),
    /** How long the server may be silent, and data stand still. */
    idleTimeoutMs: z.int().min(1_000).max(3_600_000).default(30_000),
    host: z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/, { error: 'must be a host name or an address' }),
    /** Without it 21, and 990 for implicit TLS. */
    port: z.int().min(1).max(65_535).optional(),
    /** Whether TLS begins with AUTH TLS, or with the connection. */
    tls: z.enum(['explicit', 'implicit']).default('explicit'),
    user: z.string().min(1).max(512).regex(LINE, inLine),
    /** File with the password, mode 0600. */
    passwordFile: filePath,
    /** PEM file: the authorities that may have issued the server's certificate; without it, the public ones. */
    caFile: filePath.optional(),
    /** PEM files: the certificate that is shown to the server, and its key. */
    certificateFile: filePath.optional(),
    keyFile: filePath.optional(),
    /** The directory there; it has to exist. Without it files go where the login leads. */
    remoteDirectory: z.string().min(1).max(4_096).regex(LINE, inLine).optional(),
    /**
     * What a file is called there, made of `{key}` and `{name}`. Without `{key}` two files of one name are one there, and the
     * newer takes the place of the older.
     */
    remoteName: z
      .string()
      .max(255)
      .regex(/^[^/\\\0\r\n]*\{(?:key|name)\}[^/\\\0\r\n]*$/, { error: 'must hold {key} or {name}, and no slash' })
      .default('{key}.{name}'),
  })
  .superRefine((options, context) => {
    refuseCrossedWaits(options, context);
    const issue = (path: string) => context.addIssue({ code: 'custom', path: [path], message: 'is missing' });
    if (options.certificateFile !== undefined && options.keyFile === undefined) issue('keyFile');
    if (options.keyFile !== undefined && options.certificateFile === undefined) issue('certificateFile');
  });

/** An FTPS server, checked and with its defaults. */
export type FtpsOptions = z.output<typeof ftpsEntry>;

/** Forwards files. */
export function ftps(options: FtpsOptions): Way {
  return {
    ...options,
    async handOn(parcel, signal) {
      await using contents = await parcel.contents();
      const names = namesOf(parcel, options);
      const password = await readSecret(options.passwordFile);
      const secureOptions = await tlsOf(options);
      // Before anything is sent, so that nothing of another file is left over there.
      await verify(contents, signal);
      const client = new Client(options.idleTimeoutMs);
      const leave = () => client.close();
      signal.addEventListener('abort', leave, { once: true });
      try {
        signal.throwIfAborted();
        const { host, port, user, tls, remoteDirectory } = options;
        await client.access({
          ...{ host, user, password: password.reveal(), secureOptions },
          port: port ?? (tls === 'implicit' ? 990 : 21),
          secure: tls === 'implicit' ? 'implicit' : true,
        });
        if (remoteDirectory !== undefined) await client.cd(remoteDirectory);
        await forward(client, contents, { ...names, sha256: parcel.published.storedSha256 });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener('abort', leave);
        client.close();
      }
    },
  };
}

/** The names of a file over there. */
interface Names {
  readonly temporary: string;
  readonly final: string;
  /** Whether the final name is this file's alone. */
  readonly keyed: boolean;
}

/** @throws Undeliverable when the file has a name that no line of FTP can hold. */
function namesOf({ key, published }: Parcel, { remoteName }: FtpsOptions): Names {
  const name = published.path.slice(published.path.lastIndexOf('/') + 1);
  const final = remoteName.replaceAll(/\{(key|name)\}/g, (_, token) => (token === 'key' ? key : name));
  if (!LINE.test(final)) throw new Undeliverable('the name of the file cannot be said to an FTP server');
  return { temporary: `.${key}.part`, final, keyed: remoteName.includes('{key}') };
}

async function tlsOf({ host, caFile, certificateFile, keyFile }: FtpsOptions) {
  const [ca, cert, key] = await Promise.all([caFile, certificateFile, keyFile].map(readOptional));
  return {
    minVersion: 'TLSv1.2',
    host,
    // An address is no name to ask for (RFC 6066 section 3).
    ...(!/^[\d.]+$|:/.test(host) && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  } as const;
}

async function readOptional(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readFile(path, 'utf8');
}

async function forward(
  client: Client,
  contents: Contents,
  { temporary, final, keyed, sha256 }: Names & { readonly sha256: string },
): Promise<void> {
  const wanted = { bytes: contents.bytes, sha256 };
  // What an earlier attempt brought there, of which the answer was lost.
  const there = await lookAt(client, final, wanted);
  if (there === 'same' || (there === 'same size' && keyed)) return;
  await client.remove(temporary, true);
  await client.uploadFrom(Readable.from(contents.read(), { objectMode: false }), temporary);
  const arrived = await lookAt(client, temporary, wanted);
  if (arrived !== 'same' && arrived !== 'same size') {
    await client.remove(temporary, true);
    throw new Error(`the server has ${arrived === 'absent' ? 'nothing' : 'something else'} behind the upload`);
  }
  await client.rename(temporary, final);
}

/** What a name over there stands for: `same size` where the server cannot hash. */
async function lookAt(
  client: Client,
  name: string,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
): Promise<'absent' | 'another' | 'same size' | 'same'> {
  const size = await refusable(() => client.size(name));
  if (size === undefined) return 'absent';
  if (size !== bytes) return 'another';
  const hash = await hashOf(client, name);
  if (hash === undefined) return 'same size';
  return hash === sha256 ? 'same' : 'another';
}

/** The SHA-256 of a file over there, in small digits; undefined where the server does not tell. */
async function hashOf(client: Client, name: string): Promise<string | undefined> {
  const features = await client.features();
  const has = (verb: string) => [...features.keys()].some((feature) => feature.toUpperCase() === verb);
  const reply = await refusable(async () => {
    if (has('HASH')) {
      await client.send('OPTS HASH SHA-256');
      return (await client.send(`HASH ${name}`)).message;
    }
    return has('XSHA256') ? (await client.send(`XSHA256 ${name}`)).message : undefined;
  });
  // Behind the code, and not in the file's name, which comes last.
  return /^\d{3}[ -][^/]*?\b([0-9a-f]{64})\b/i.exec(reply ?? '')?.[1]?.toLowerCase();
}

/** What the server says; undefined when it refuses to. */
async function refusable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FTPError && error.code >= 500) return undefined;
    throw error;
  }
}
