/** Somebody at the client's own address takes its passive port first, to be given a ticket with which to return. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** Connects to a passive port with TLS and takes whatever session it is given. */
async function thief(gateway: TestGateway, port: number, version: SecureVersion, session: Buffer | undefined) {
  const socket = connectTcp(port, gateway.host);
  const secured = connectTls({
    socket,
    minVersion: version,
    maxVersion: version,
    rejectUnauthorized: false,
    ...(session === undefined ? {} : { session }),
  });
  secured.on('error', () => undefined);
  let given: Buffer | undefined;
  secured.on('session', (ticket: Buffer) => {
    given = ticket;
  });
  await once(secured, 'secureConnect');
  return { secured, session: () => given ?? secured.getSession() };
}

const portOf = (reply: string) => Number(/\|\|\|(\d+)\|/.exec(reply)?.[1]);

test.each(VERSIONS)('a ticket from a port that was stolen and then given up opens no other (%s)', async (version) => {
  const gateway = await startGateway();
  const victim = await RawClient.login(gateway, { version });
  const first = await thief(gateway, portOf(await victim.send('EPSV')), version, undefined);
  // The victim, whose connection was refused, arranges another port without a transfer in between.
  const port = portOf(await victim.send('EPSV'));
  const second = await thief(gateway, port, version, first.session());
  expect(await victim.send('STOR a.txt')).toMatch(/^150/);
  second.secured.end('forged');
  expect(await victim.reply()).toMatch(/^522/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test.each(VERSIONS)('a ticket from a port that was stolen for a transfer opens no other (%s)', async (version) => {
  const gateway = await startGateway();
  const victim = await RawClient.login(gateway, { version });
  const first = await thief(gateway, portOf(await victim.send('EPSV')), version, undefined);
  expect(await victim.send('LIST')).toMatch(/^150/);
  expect(await victim.reply()).toMatch(/^522/);
  const second = await thief(gateway, portOf(await victim.send('EPSV')), version, first.session());
  expect(await victim.send('STOR a.txt')).toMatch(/^150/);
  second.secured.end('forged');
  expect(await victim.reply()).toMatch(/^522/);
  expect(readdirSync(gateway.home)).toEqual([]);
});
