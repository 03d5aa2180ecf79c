/** The doors over real sockets: what a client reads, what the directory shows, what the log says; whichever command stores. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../../src/server/gateway.ts';
import type { GatewayParts } from '../../src/server/gateway-parts.ts';
import { defineGate, type GateVerdict } from '../../src/spi/gate.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestUser } from '../fixtures/gateway.ts';
import { memoryAuditLog } from '../fixtures/memory-audit-log.ts';

function stateDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'));
  // Behind the gateway's end, which may still write.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Refuses what has "virus" in it. */
const scan = defineGate({
  name: 'scan',
  deadlineMs: 60_000,
  async inspect({ content }): Promise<GateVerdict> {
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    const isBad = Buffer.concat(pieces).includes('virus');
    return isBad ? { verdict: 'refuse', reason: 'virus found' } : { verdict: 'pass' };
  },
});

async function gatewayWith(intake: NonNullable<TestUser['intake']>, parts: GatewayParts = {}) {
  const audit = memoryAuditLog();
  const state = stateDirectory();
  const gateway = await startGateway(
    { stateDirectory: state, metrics: { port: 0 } },
    { intake },
    { audit, gates: [scan], ...parts },
  );
  return { ...gateway, audit, state };
}

test('what a gate refuses is nowhere to be seen, however it is stored', async () => {
  const gateway = await gatewayWith({ gates: ['scan'] });
  const client = await RawClient.login(gateway);
  for (const command of ['STOR bad.txt', 'APPE bad.txt', 'STOU bad.txt']) {
    expect(await client.upload(command, 'a virus')).toMatch(/^550 .*held back/);
  }
  writeFileSync(join(gateway.home, 'old.txt'), 'an old virus');
  expect(await client.send('SITE COPY old.txt new.txt')).toMatch(/^5/);
  await client.send('CPFR old.txt');
  expect(await client.send('CPTO new.txt')).toMatch(/^550/);
  expect(readdirSync(gateway.home).filter((name) => !name.startsWith('.sallyport-'))).toEqual(['old.txt']);
  expect(await client.send('SIZE bad.txt')).toMatch(/^550/);
  expect(gateway.audit.of('upload.published')).toEqual([]);
  expect(gateway.audit.of('upload.quarantined').length).toBeGreaterThanOrEqual(4);
});

test('what passes is recorded once, before it is answered, with what its connections were', async () => {
  const gateway = await gatewayWith({ gates: ['scan'] });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR good.txt', 'good')).toMatch(/^226[ -]Stored 4 bytes/);
  expect(readFileSync(join(gateway.home, 'good.txt'), 'utf8')).toBe('good');
  const [record, ...others] = gateway.audit.of('upload.published');
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    who: { account: 'partner' },
    object: {
      ...{ path: '/good.txt', bytes: 4, verb: 'STOR', end: 'authenticated' },
      data_tls: { version: 'TLSv1.3', resumed: true },
      control_tls: { version: 'TLSv1.3' },
      gates: [{ gate: 'scan', verdict: 'pass' }],
    },
  });
  expect(readdirSync(join(gateway.state, 'intake')).filter((name) => name.endsWith('.json'))).toEqual([]);
});

test('an asynchronous verdict is answered at once, and the file appears behind it', async () => {
  const gateway = await gatewayWith({ gates: ['scan'], verdict: 'async' });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR good.txt', 'good')).toMatch(/^226[ -]Accepted for checking/);
  await expect.poll(() => gateway.audit.events.includes('upload.published'), { timeout: 20_000 }).toBe(true);
  await expect.poll(() => readdirSync(gateway.home), { timeout: 20_000 }).toEqual(['good.txt']);
});

test('monitoring is told how many wait, and in which state', async () => {
  const gateway = await gatewayWith({ gates: ['scan'] });
  const client = await RawClient.login(gateway);
  await client.upload('STOR bad.txt', 'a virus');
  const { host = '', port = 0 } = gateway.gateway.metricsAddress ?? {};
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text();
  expect(metrics).toContain('sallyport_uploads_waiting{state="quarantined"} 1');
  expect(metrics).toContain('sallyport_uploads_waiting{state="checking"} 0');
});

test('versions get names of their own, and the account that may not overwrite does not', async () => {
  const gateway = await gatewayWith({ collision: 'version' });
  const client = await RawClient.login(gateway);
  for (const text of ['one', 'two']) expect(await client.upload('STOR a.txt', text)).toMatch(/^226/);
  expect(readdirSync(gateway.home).sort()).toEqual(['a.txt', 'a~2.txt']);
  const refusing = await gatewayWith({ collision: 'refuse' });
  const other = await RawClient.login(refusing);
  expect(await other.upload('STOR a.txt', 'one')).toMatch(/^226/);
  expect(await other.upload('STOR a.txt', 'two')).toMatch(/^553/);
});

test('while the log cannot be written nothing is taken', async () => {
  const gateway = await gatewayWith({});
  const client = await RawClient.login(gateway);
  gateway.audit.failure = new Error('full');
  expect(await client.upload('STOR a.txt', 'one')).toMatch(/^451/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test('a gateway that starts behind another settles what that one left, for accounts that are gone too', async () => {
  const gateway = await gatewayWith({ gates: ['scan'] });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR bad.txt', 'a virus')).toMatch(/^550/);
  const [intent = ''] = readdirSync(join(gateway.state, 'intake')).filter((name) => name.endsWith('.json'));
  await gateway.gateway.close();
  // As if it had been killed before anything was recorded.
  const text = readFileSync(join(gateway.state, 'intake', intent), 'utf8');
  const written = JSON.parse(text);
  writeFileSync(
    join(gateway.state, 'intake', intent),
    JSON.stringify({ ...written, state: 'arrived', logSize: 1_000 }),
  );
  const audit = memoryAuditLog();
  const next = createGateway(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      tls: { certificate: gateway.certificates.cert, key: gateway.certificates.key },
      stateDirectory: gateway.state,
    },
    { audit, log: gateway.log },
  );
  await next.start();
  await next.close();
  expect(audit.of('upload.undone')).toMatchObject([{ object: { path: '/bad.txt' } }]);
  expect(readdirSync(gateway.home)).toEqual([]);
  expect(readdirSync(join(gateway.state, 'intake')).filter((name) => name.endsWith('.json'))).toEqual([]);
});

test('a home that is away keeps its upload where it is, and nobody from logging in', async () => {
  const gateway = await gatewayWith({ gates: ['scan'] });
  const client = await RawClient.login(gateway);
  await client.upload('STOR bad.txt', 'a virus');
  const folder = join(gateway.state, 'intake');
  const [intent = ''] = readdirSync(folder).filter((name) => name.endsWith('.json'));
  await gateway.gateway.close();
  const written = JSON.parse(readFileSync(join(folder, intent), 'utf8'));
  written.state = 'arrived';
  written.upload.root = join(gateway.home, '..', 'unmounted');
  writeFileSync(join(folder, intent), JSON.stringify(written));
  await gateway.gateway.start();
  expect(gateway.log.of('intake.unreachable')).toMatchObject([{ account: 'partner', path: '/bad.txt' }]);
  expect(readdirSync(folder)).toContain(intent);
  const again = await RawClient.login({ ...gateway, port: gateway.gateway.addresses[0]?.port ?? 0 });
  expect(await again.upload('STOR good.txt', 'good')).toMatch(/^226/);
});

test('what is encrypted for somebody else is not resumed by REST, APPE or RANG', async () => {
  const encryptTo = [await identityToRecipient(await generateIdentity())];
  const gateway = await gatewayWith({ encryptTo });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR a.txt', 'secret')).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.txt'), 'latin1')).toMatch(/^age-encryption\.org\/v1\n/);
  expect(await client.upload('APPE a.txt', 'more')).toMatch(/^554/);
  await client.send('REST 3');
  expect(await client.upload('STOR a.txt', 'ret')).toMatch(/^554/);
  expect(gateway.audit.of('upload.published')[0]?.object).toMatchObject({ bytes: 6, encrypted_to: encryptTo });
});
