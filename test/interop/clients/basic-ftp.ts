/** basic-ftp as a Node program uses it. It knows passive mode only. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import type { AccessOptions } from 'basic-ftp';
import { Client } from 'basic-ftp';
import type { PartnerClient } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';

/** Logs in, lets `act` work and closes. */
export async function withBasicFtp<T>(
  gateway: Reachable,
  way: Way,
  act: (client: Client) => Promise<T>,
  secure: NonNullable<AccessOptions['secure']> = true,
): Promise<T> {
  const client = new Client(10_000);
  try {
    const { host, port, user, password, certificates } = gateway;
    const version = `TLSv${way.version}` as const;
    const secureOptions = { ca: certificates.caCert, minVersion: version, maxVersion: version };
    await client.access({ host, port, user, password, secure, secureOptions });
    return await act(client);
  } finally {
    client.close();
  }
}

/** basic-ftp, one connection for each piece of work. */
export function basicFtpClient(gateway: Reachable, way: Way): PartnerClient {
  const work = <T>(act: (client: Client) => Promise<T>) => withBasicFtp(gateway, way, act);
  return {
    upload: (local, remote) => work((client) => client.uploadFrom(local, remote)),
    download: (remote, local) => work((client) => client.downloadTo(local, remote)),
    resumeUpload: (local, remote) =>
      work(async (client) => client.appendFrom(local, remote, { localStart: await client.size(remote) })),
    resumeDownload: (remote, local) =>
      work(async (client) => {
        const { size } = await stat(local);
        return client.downloadTo(createWriteStream(local, { flags: 'r+', start: size }), remote, size);
      }),
    list: (directory) => work(async (client) => (await client.list(directory)).map(({ name }) => name).join('\n')),
    rename: (from, to) => work((client) => client.rename(from, to)),
    remove: (path) => work((client) => client.remove(path)),
    makeDirectory: (path) => work((client) => client.send(`MKD ${path}`)),
    // It has no ASCII mode of its own: the program sets the type and keeps to the line ends of the network.
    uploadText: (local, remote) =>
      work(async (client) => {
        await client.send('TYPE A');
        return client.uploadFrom(Readable.from(toCrlf(local)), remote);
      }),
    downloadText: (remote, local) =>
      work(async (client) => {
        await client.send('TYPE A');
        return client.downloadTo(local, remote);
      }),
  };
}

function toCrlf(local: string): Transform {
  return createReadStream(local, 'utf8').pipe(
    new Transform({
      decodeStrings: false,
      transform: (text: string, _, done) => done(null, text.replaceAll('\n', '\r\n')),
    }),
  );
}
