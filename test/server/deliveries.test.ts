/** Deliveries of a gateway over real sockets: from the upload of a client to the receiver, and what metrics and log say. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createGateway } from '../../src/server/gateway.ts';
import type { Gateway, GatewayParts } from '../../src/server/gateway-parts.ts';
import { defineGate } from '../../src/spi/gate.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway, type TestUser } from '../fixtures/gateway.ts';
import { memoryAuditLog } from '../fixtures/memory-audit-log.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'));
  // Behind the gateway's end, which may still write.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const SCRIPT = 'printf "%s %s %s\\n" "$SALLYPORT_PATH" "$(cat "$SALLYPORT_FILE")" "$SALLYPORT_DELIVERY_KEY" >> "$1"';

/** A gateway that hands on what comes into `/in` and below, and where the receiver writes what it got. */
async function delivering(
  user: TestUser = {},
  parts: GatewayParts = {},
  { script = SCRIPT, options = {} }: { script?: string; options?: Partial<GatewayOptionsInput> } = {},
) {
  const audit = memoryAuditLog();
  const state = makeFolder();
  const got = join(state, 'got');
  writeFileSync(got, '');
  const deliveries: GatewayOptionsInput['deliveries'] = [
    {
      kind: 'command',
      name: 'out',
      program: '/bin/sh',
      args: ['-c', script, 'sh', got],
      retryMinMs: 10,
      retryMaxMs: 50,
    },
  ];
  const gateway = await startGateway(
    { stateDirectory: state, deliveries, metrics: { port: 0 }, ...options },
    { directories: [{ path: '/in', intake: { deliver: ['out'] } }], ...user },
    { audit, ...parts },
  );
  await mkdir(join(gateway.home, 'in', 'sub'), { recursive: true });
  const lines = () => readFileSync(got, 'utf8').split('\n').slice(0, -1);
  return { ...gateway, audit, state, lines };
}

const soon = { timeout: 15_000 };

test('what is uploaded into the directory is handed on, whichever command stores it, and nothing else', async () => {
  const gateway = await delivering();
  const { audit, lines } = gateway;
  const client = await RawClient.login(gateway);
  await client.upload('STOR elsewhere.txt', 'not for anybody');
  await client.upload('STOR in/a.txt', 'a');
  await client.upload('APPE in/sub/b.txt', 'b');
  expect(await client.send('SITE COPY elsewhere.txt in/c.txt')).toMatch(/^2/);
  await expect.poll(lines, soon).toHaveLength(3);
  const records = audit.of('upload.published').slice(1);
  expect(records.map(({ object }) => [object.deliver, object.inbox])).toEqual([
    [['out'], '/in'],
    [['out'], '/in'],
    [['out'], '/in'],
  ]);
  expect(audit.of('upload.published')[0]?.object).not.toHaveProperty('deliver');
  const contents = ['a', 'b', 'not for anybody'];
  expect(lines()).toEqual(records.map(({ object }, i) => `${object.path} ${contents[i]} ${object.upload}.out`));
  await expect.poll(() => audit.of('delivery.made').length, soon).toBe(3);
});

test('a file that a gate refuses is not handed on, and does not hold up those behind it', async () => {
  const scan = defineGate({
    name: 'scan',
    deadlineMs: 60_000,
    inspect: async ({ path }) => (path.endsWith('bad') ? { verdict: 'refuse', reason: 'bad' } : { verdict: 'pass' }),
  });
  const intake = { deliver: ['out'], gates: ['scan'], verdict: 'async' as const };
  const gateway = await delivering({ directories: [{ path: '/in', intake }] }, { gates: [scan] });
  const client = await RawClient.login(gateway);
  await client.upload('STOR in/bad', 'bad');
  await client.upload('STOR in/good', 'good');
  await expect.poll(gateway.lines, soon).toEqual([expect.stringMatching(/^\/in\/good good /)]);
  await expect.poll(() => gateway.audit.of('upload.quarantined').length, soon).toBe(1);
  expect(gateway.audit.of('upload.quarantined')[0]?.object).not.toHaveProperty('deliver');
});

test('what is encrypted is handed on as it is stored', async () => {
  const recipient = await identityToRecipient(await generateIdentity());
  const intake = { deliver: ['out'], encryptTo: [recipient] };
  const gateway = await delivering(
    { directories: [{ path: '/in', intake }] },
    {},
    { script: 'cat "$SALLYPORT_FILE" > "$1"' },
  );
  const client = await RawClient.login(gateway);
  await client.upload('STOR in/a', 'a secret');
  await expect.poll(() => gateway.audit.of('delivery.made').length, soon).toBe(1);
  const got = readFileSync(join(gateway.state, 'got'));
  expect(got.equals(readFileSync(join(gateway.home, 'in', 'a')))).toBe(true);
  expect(got.toString('latin1')).toMatch(/^age-encryption\.org\/v1\n/);
});

test('a gateway that starts again goes on with what its receiver did not take', async () => {
  const gateway = await delivering({}, {}, { script: '[ -e "$1.up" ] && printf "%s\\n" "$SALLYPORT_PATH" >> "$1"' });
  const client = await RawClient.login(gateway);
  for (const name of ['a', 'b', 'c']) await client.upload(`STOR in/${name}`, name);
  await expect.poll(() => gateway.log.of('delivery.attempt_failed').length, soon).toBeGreaterThan(1);
  await gateway.gateway.close();
  expect(gateway.lines()).toEqual([]);
  writeFileSync(join(gateway.state, 'got.up'), '');
  await gateway.gateway.start();
  await expect.poll(gateway.lines, soon).toEqual(['/in/a', '/in/b', '/in/c']);
});

test('a users file that asks for a delivery that there is not keeps files out, and does not leave them behind', async () => {
  const folder = makeFolder();
  const hash = await hashPassword(new Secret(PASSWORD));
  const usersFile = join(folder, 'users.yaml');
  const text = `users: [{ name: late, password_hash: '${hash}', home: ${folder}, permissions: elradfmw, intake: { deliver: [nobody] } }]\n`;
  writeFileSync(usersFile, text, { mode: 0o600 });
  const gateway = await delivering({}, {}, { options: { usersFile } });
  const client = await RawClient.login({ ...gateway, user: 'late' });
  expect(await client.upload('STOR a', 'a')).toMatch(/^451/);
  expect(gateway.log.of('intake.cannot_hold')).toMatchObject([{ reason: 'there is no delivery nobody' }]);
});

test('an upload that cannot be recorded is refused where it is to be handed on, whatever the log is needed for', async () => {
  const gateway = await delivering({}, {}, { options: { audit: { requirement: 'preferred' } } });
  const client = await RawClient.login(gateway);
  gateway.audit.failure = new Error('full');
  expect(await client.upload('STOR in/a', 'a')).toMatch(/^451/);
  expect(await client.upload('STOR b', 'b')).toMatch(/^226/);
});

async function metrics({ metricsAddress }: Gateway): Promise<string> {
  const asked = request({ host: '127.0.0.1', port: metricsAddress?.port, path: '/metrics' }).end();
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) =>
    asked.on('response', resolve).on('error', reject),
  );
  let text = '';
  for await (const piece of response) text += String(piece);
  return text;
}

test('metrics say how many wait, how many were given up, and since when', async () => {
  const gateway = await delivering({}, {}, { script: 'exit 1' });
  expect(await metrics(gateway.gateway)).toContain('sallyport_deliveries_pending{delivery="out"} 0');
  const client = await RawClient.login(gateway);
  await client.upload('STOR in/a', 'a');
  await client.upload('STOR in/b', 'b');
  await expect.poll(() => gateway.log.of('delivery.attempt_failed').length, soon).toBeGreaterThan(0);
  const text = await metrics(gateway.gateway);
  expect(text).toContain('sallyport_deliveries_pending{delivery="out"} 2');
  expect(text).toContain('sallyport_deliveries_dead{delivery="out"} 0');
  expect(text).toMatch(/sallyport_delivery_attempts_total\{delivery="out",result="failed"\} [1-9]/);
  const since = Number(/sallyport_deliveries_oldest_timestamp_seconds\{delivery="out"\} (\d+)/.exec(text)?.[1]);
  expect(Math.abs(since - Date.now() / 1_000)).toBeLessThan(120);
});

describe('options that cannot be', () => {
  const one = { kind: 'command', name: 'out', program: '/bin/true' } as const;

  async function make(written: Partial<GatewayOptionsInput>): Promise<Gateway> {
    const { cert, key } = await testCertificates();
    return createGateway({ listen: [{ port: 0 }], tls: { certificate: cert, key }, ...written });
  }

  test('a name that there is not', async () => {
    await expect(make({ intake: { deliver: ['out'] } })).rejects.toThrow(/intake.deliver.0: there is no delivery out/);
  });

  test('deliveries without a log to follow, and without a place to remember', async () => {
    const stateDirectory = makeFolder();
    const off = { stateDirectory, audit: { requirement: 'off' as const }, deliveries: [one] };
    await expect(make(off)).rejects.toThrow(/follow the audit log/);
    await expect(make({ deliveries: [one] })).rejects.toThrow(/need a stateDirectory/);
    await expect(make({ stateDirectory, deliveries: [one] })).resolves.toBeDefined();
  });
});
