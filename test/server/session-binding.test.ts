/** Data connections and the TLS session of their control connection: tickets used once or often, renewed, and through a reload. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { describe, expect } from 'vitest';
import { needs } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { OpensslAuthority } from '../fixtures/openssl-authority.ts';

const test = needs('openssl');
const VERSIONS: SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

describe.each(VERSIONS)('over %s', (version) => {
  test('one ticket is good for every transfer of its session', async () => {
    const client = await RawClient.login(await startGateway(), { version });
    for (let i = 0; i < 12; i++) expect(await client.upload(`STOR ${i}.txt`, 'hello')).toContain('226');
    for (let i = 0; i < 12; i++) expect((await client.download(`RETR ${i}.txt`)).reply).toContain('226');
    client.close();
  });

  test('certificates that are reloaded end no session, and its data connections go on resuming', async () => {
    const folder = await temporaryFolder();
    const place = (pair: { cert: string; key: string }) => {
      writeFileSync(join(folder, 'server.crt'), pair.cert);
      writeFileSync(join(folder, 'server.key'), pair.key, { mode: 0o600 });
    };
    mkdirSync(join(folder, 'ca'));
    const authority = new OpensslAuthority(join(folder, 'ca'), 'Authority');
    place(authority.issueServer('localhost'));
    const tls = { certificateFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') };
    const gateway = await startGateway({ tls });
    const options = { version, tls: { ca: authority.cert } };
    const client = await RawClient.login(gateway, options);
    const before = serialOf(client);
    expect(await client.upload('STOR a.txt', 'hello')).toContain('226');

    place(authority.issueServer('localhost'));
    expect(await gateway.gateway.reload()).toContainEqual({ part: 'certificates', outcome: 'reloaded' });
    expect(await client.upload('STOR b.txt', 'hello')).toContain('226');
    expect((await client.download('RETR a.txt')).data.toString()).toBe('hello');

    const later = await RawClient.login(gateway, options);
    expect(serialOf(later)).not.toBe(before);
    expect(await later.upload('STOR c.txt', 'hello')).toContain('226');
    // What one session was given is still nothing to the other.
    const socket = await later.passive();
    later.write('STOR d.txt\r\n');
    later.secure(socket, client.session).end('hello');
    const replies = [await later.reply(), await later.reply()];
    expect(replies.at(-1)).toContain('522');
    client.close();
    later.close();
  });
});

test('a client that uses each ticket once gets another with every download, and with an upload if it reads to its end', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway, { version: 'TLSv1.3' });
  let ticket = client.session;
  for (let i = 0; i < 6; i++) {
    for (const command of ['STOR a.txt', 'RETR a.txt']) {
      const socket = await client.passive();
      client.write(`${command}\r\n`);
      const data = client.secure(socket, ticket);
      const given = ticketsOf(data);
      if (command.startsWith('STOR')) data.end('hello');
      data.resume();
      await new Promise<void>((resolve) => data.once('end', resolve));
      data.end();
      expect((await client.reply()).slice(0, 3)).toBe('150');
      expect((await client.reply()).slice(0, 3)).toBe('226');
      expect(given).toHaveLength(1);
      ticket = given[0];
    }
  }
  client.close();
});

function serialOf({ socket }: RawClient): string {
  return (socket as TLSSocket).getPeerCertificate().serialNumber;
}

function ticketsOf(socket: TLSSocket): Buffer[] {
  const tickets: Buffer[] = [];
  socket.on('session', (ticket: Buffer) => tickets.push(ticket));
  return tickets;
}
