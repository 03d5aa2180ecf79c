import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { testCertificates } from '../fixtures/certificates.ts';
import { PEOPLE, SEARCHER, SLAPD, startDirectory } from '../fixtures/directory.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of cleanUp.splice(0).reverse()) await act();
});

/** A folder for homes. */
async function homes(...users: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-homes-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  for (const user of users) await mkdir(join(folder, user));
  return folder;
}

async function secured(gateway: Awaited<ReturnType<typeof startGateway>>): Promise<RawClient> {
  const client = await RawClient.connect(gateway);
  cleanUp.push(async () => client.close());
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

async function logIn(client: RawClient, user: string, password: string): Promise<string> {
  await client.send(`USER ${user}`);
  return client.send(`PASS ${password}`);
}

describe.skipIf(SLAPD === undefined && (process.env.CI ?? '') === '')('a directory in the chain (slapd)', () => {
  test('its users log in, those of the users list too, and it going down shuts its users out', async () => {
    const directory = await startDirectory();
    const folder = await homes('alice');
    const gateway = await startGateway({
      authentication: [
        {
          type: 'ldap',
          url: directory.ldaps,
          caFile: directory.caFile,
          search: {
            base: 'dc=example',
            filter: '(uid={user})',
            bindDn: SEARCHER,
            passwordFile: directory.passwordFile,
          },
          groups: { attribute: 'memberOf' },
          account: { home: `${folder}/{user}`, permissions: 'elr' },
        },
        { type: 'users' },
      ],
    });
    const refused = await secured(gateway);
    expect(await logIn(refused, 'alice', 'wrong')).toContain('530');
    expect(await logIn(refused, 'alice', '')).toContain('530');
    expect(await logIn(refused, 'ALICE', PEOPLE.alice)).toContain('530');
    const client = await secured(gateway);
    expect(await logIn(client, 'alice', PEOPLE.alice)).toContain('230');
    expect(await client.send('PWD')).toContain('257 "/"');
    expect(await logIn(client, 'partner', PASSWORD)).toContain('230');

    await directory.stop();
    const other = await secured(gateway);
    expect(await logIn(other, 'alice', PEOPLE.alice)).toContain('530');
    // Nobody can say whether the directory would have refused: the chain does not go on.
    expect(await logIn(other, 'partner', PASSWORD)).toContain('530');
    expect(gateway.log.of('ldap.failed').length).toBeGreaterThan(0);
    expect(JSON.stringify(gateway.log.entries)).not.toContain(PEOPLE.alice);
  });
});

test('a hook in the chain decides, and its silence refuses', async () => {
  const { cert, key, files } = await testCertificates();
  const folder = await homes('alice');
  const hook = createServer({ cert, key }, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { user, password } = JSON.parse(body);
      if (user === 'silent') return;
      if (user !== 'alice') response.end('{"verdict":"declined"}');
      else response.end(JSON.stringify({ verdict: password === 'right' ? 'accepted' : 'refused' }));
    });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  cleanUp.push(async () => {
    hook.closeAllConnections();
    await new Promise((resolve) => hook.close(resolve));
  });
  const address = hook.address();
  const url = `https://localhost:${typeof address === 'object' ? address?.port : 0}/`;
  const account = { home: `${folder}/{user}` };
  const gateway = await startGateway({
    authentication: [{ type: 'http', url, caFile: files.caCert, timeoutMs: 300, account }, { type: 'users' }],
  });
  const client = await secured(gateway);
  expect(await logIn(client, 'alice', 'wrong')).toContain('530');
  expect(await logIn(client, 'silent', 'x')).toContain('530');
  expect(await logIn(client, 'alice', 'right')).toContain('230');
  expect(await logIn(client, 'partner', PASSWORD)).toContain('230');
  expect(JSON.stringify(gateway.log.entries)).not.toContain('right');
});
