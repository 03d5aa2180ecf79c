/** Client certificates that one host or one account demands, and that data connections have to show again. */
import { createHash, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { describe, expect } from 'vitest';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';
import { type ClientOptions, RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { OpensslAuthority, type Pair } from '../fixtures/openssl-authority.ts';

const test = needs('openssl');
const VERSIONS: SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const REFUSED = '530 This server takes logins only with a client certificate that it trusts.';
const INCORRECT = '530 Login incorrect.';

const ALONE: GatewayOptionsInput['authentication'] = [
  { type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' },
  { type: 'users' },
];

async function authority(name = 'Authority'): Promise<OpensslAuthority> {
  return new OpensslAuthority(await temporaryFolder(), name);
}

async function start(
  ca: OpensslAuthority | undefined,
  { tls = {}, user = {}, ...more }: { tls?: object; user?: TestUser } & Partial<GatewayOptionsInput> = {},
) {
  const { cert, key } = await testCertificates();
  const asking = ca === undefined ? {} : ({ clientCertificate: 'optional', clientCa: ca.cert } as const);
  return startGateway({ tls: { certificate: cert, key, ...asking, ...tls }, ...more }, user);
}

async function secured(gateway: TestGateway, options: ClientOptions): Promise<RawClient> {
  const client = await RawClient.connect(gateway, options);
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

/** The answer to the password, behind which the client is gone. */
async function login(gateway: TestGateway, options: ClientOptions, password = PASSWORD): Promise<string> {
  const client = await secured(gateway, options);
  const named = await client.send('USER partner');
  const answer = named.startsWith('331') ? await client.send(`PASS ${password}`) : named;
  client.close();
  return answer;
}

const reasons = (gateway: TestGateway) =>
  gateway.log.of('command.failed').flatMap(({ cause }) => (cause ? [cause] : []));

describe.each(VERSIONS)('over %s', (version) => {
  describe('a host', () => {
    /** `localhost` is the gateway's own name, which its certificate has; `own.example` is the host. */
    async function withHost(gatewayCa: OpensslAuthority | undefined, host: object, more: object = {}) {
      const { cert, key } = (await authority('Server')).issueServer('own.example');
      return start(gatewayCa, {
        hosts: [{ name: 'own.example', certificate: cert, key, ...host }],
        authentication: ALONE,
        ...more,
      });
    }
    // Its certificate is of an authority that the client does not know.
    const atHost: ClientOptions = { version, serverName: 'own.example', tls: { rejectUnauthorized: false } };

    test('can demand what the gateway does not ask for', async () => {
      const ca = await authority();
      const gateway = await withHost(undefined, { clientCertificate: 'required', clientCa: ca.cert });
      expect(await login(gateway, { version })).toContain('230');
      expect(await login(gateway, { version, certificate: ca.issue('partner') })).toContain('230');
      expect(await login(gateway, atHost)).toBe(REFUSED);
      expect(await login(gateway, { ...atHost, certificate: ca.issue('partner2') })).toContain('230');
      expect(await login(gateway, { ...atHost, certificate: ca.issue('partner') })).toContain('232');
    });

    test('can do without what the gateway demands', async () => {
      const ca = await authority();
      const gateway = await withHost(ca, { clientCertificate: 'off' }, { tls: { clientCertificate: 'required' } });
      expect(await login(gateway, { version })).toBe(REFUSED);
      expect(await login(gateway, { ...atHost, certificate: ca.issue('partner') })).toContain('230');
      expect(await login(gateway, atHost)).toContain('230');
    });

    test('has authorities of its own, and those of the gateway count for nothing there', async () => {
      const [ours, theirs] = [await authority('Ours'), await authority('Theirs')];
      const gateway = await withHost(ours, { clientCa: theirs.cert });
      const [ofOurs, ofTheirs] = [ours.issue('partner'), theirs.issue('partner')];
      expect(await login(gateway, { version, certificate: ofOurs })).toContain('232');
      expect(await login(gateway, { version, certificate: ofTheirs })).toContain('230');
      expect(await login(gateway, { ...atHost, certificate: ofTheirs })).toContain('232');
      expect(await login(gateway, { ...atHost, certificate: ofOurs })).toContain('230');
    });

    test('cannot be had by HOST with a certificate that counts elsewhere', async () => {
      const [ours, theirs] = [await authority('Ours'), await authority('Theirs')];
      const gateway = await withHost(ours, { clientCertificate: 'required', clientCa: theirs.cert });
      const options = { version, serverName: '', certificate: ours.issue('partner') };
      const client = await secured(gateway, { ...options, tls: { rejectUnauthorized: false } });
      expect(await client.send('HOST own.example')).toContain('220');
      expect(await client.send('USER partner')).toBe(REFUSED);
      // Not even back where it counted.
      expect(await client.send('HOST localhost')).toContain('220');
      expect(await client.send('USER partner')).toContain('331');
      client.close();
    });

    test('with the authorities of the gateway takes the certificate along behind HOST', async () => {
      const ca = await authority();
      const gateway = await withHost(ca, { clientCertificate: 'required' });
      const options = { version, serverName: '', certificate: ca.issue('partner') };
      const client = await secured(gateway, { ...options, tls: { rejectUnauthorized: false } });
      expect(await client.send('HOST own.example')).toContain('220');
      expect(await client.send('USER partner')).toContain('232');
      client.close();
    });

    test('named by HOST before TLS asks as it does by SNI', async () => {
      const ca = await authority();
      const gateway = await withHost(undefined, { clientCertificate: 'required', clientCa: ca.cert });
      const options = { version, serverName: '', certificate: ca.issue('partner') };
      const client = await RawClient.connect(gateway, { ...options, tls: { rejectUnauthorized: false } });
      await client.send('HOST own.example');
      await client.send('AUTH TLS');
      await client.startTls();
      expect(await client.send('USER partner')).toContain('232');
      client.close();
    });
  });

  describe('an account', () => {
    test('that demands one cannot be had by the password alone, and nobody can tell that it was right', async () => {
      const ca = await authority();
      const gateway = await start(ca, { user: { clientCertificate: 'required' } });
      expect(await login(gateway, { version })).toBe(INCORRECT);
      expect(await login(gateway, { version }, 'wrong')).toBe(INCORRECT);
      expect(reasons(gateway)).toContain('the account needs a client certificate');
      const strange = (await authority('Stranger')).issue('partner');
      expect(await login(gateway, { version, certificate: strange })).toBe(INCORRECT);
      expect(await login(gateway, { version, certificate: ca.issue('anyone') })).toContain('230');
      expect(await login(gateway, { version, certificate: ca.issue('anyone2') }, 'wrong')).toBe(INCORRECT);
    });

    test.each(['fingerprint', 'public key'] as const)(
      'that lists a %s takes that certificate and no other',
      async (kind) => {
        const ca = await authority();
        const [listed, other] = [ca.issue('a'), ca.issue('b')];
        const user =
          kind === 'fingerprint'
            ? { certificateFingerprints: [fingerprintOf(listed)] }
            : { certificatePublicKeys: [publicKeyOf(listed)] };
        const gateway = await start(ca, { user });
        expect(await login(gateway, { version, certificate: other })).toBe(INCORRECT);
        expect(await login(gateway, { version })).toBe(INCORRECT);
        expect(reasons(gateway)).toContain('the client certificate is none of those that the account lists');
        expect(await login(gateway, { version, certificate: listed }, 'wrong')).toBe(INCORRECT);
        expect(await login(gateway, { version, certificate: listed })).toContain('230');
      },
    );

    test('lists certificates for logins by certificate alone too', async () => {
      const ca = await authority();
      const [first, second] = [ca.issue('partner'), (await authority('Authority')).issue('partner')];
      const gateway = await start(ca, {
        authentication: ALONE,
        user: { certificateFingerprints: [fingerprintOf(second)] },
      });
      expect(await login(gateway, { version, certificate: first })).toBe(INCORRECT);
      const other = await start(ca, {
        authentication: ALONE,
        user: { certificateFingerprints: [fingerprintOf(first)] },
      });
      expect(await login(other, { version, certificate: first })).toContain('232');
    });

    test('that is tried without its certificate locks the address out like wrong passwords do', async () => {
      const limits = { loginFailuresPerAddressMax: 3, loginAttemptsMax: 10 };
      const gateway = await start(await authority(), { user: { clientCertificate: 'required' }, limits });
      const client = await secured(gateway, { version });
      for (let i = 0; i < 3; i++) {
        await client.send('USER partner');
        expect(await client.send(`PASS ${PASSWORD}`)).toBe(INCORRECT);
      }
      await client.send('USER partner');
      expect(await client.send(`PASS ${PASSWORD}`)).toContain('421');
      client.close();
    });
  });

  describe('a data connection', () => {
    const WITHOUT: ConnectionOptions = { cert: undefined, key: undefined };
    const OWN_HANDSHAKE = { version, reuse: false };

    async function loggedIn(
      sessionReuse: 'preferred' | 'off' | 'required',
      options: (ca: OpensslAuthority) => ClientOptions,
    ) {
      const ca = await authority();
      const gateway = await start(ca, { authentication: ALONE, sessionReuse });
      const client = await secured(gateway, { version, certificate: ca.issue('partner'), ...options(ca) });
      expect(await client.send('USER partner')).toContain('232');
      await client.send('PBSZ 0');
      await client.send('PROT P');
      await client.send('TYPE I');
      return { gateway, client, ca };
    }

    test.each(['preferred', 'off'] as const)(
      'with a handshake of its own must show the same one (session_reuse: %s)',
      async (reuse) => {
        const none = await loggedIn(reuse, () => ({ ...OWN_HANDSHAKE, dataTls: WITHOUT }));
        expect(await none.client.upload('STOR a.txt', 'hello')).toMatch(/^522 .*same client certificate/);
        expect(readdirSync(none.gateway.home)).toEqual([]);

        const other = await loggedIn(reuse, (ca) => ({ ...OWN_HANDSHAKE, dataTls: ca.issue('other') }));
        expect(await other.client.upload('STOR a.txt', 'hello')).toMatch(/^522 /);
        expect(readdirSync(other.gateway.home)).toEqual([]);

        const strange = (await authority('Stranger')).issue('partner');
        const stranger = await loggedIn(reuse, () => ({ ...OWN_HANDSHAKE, dataTls: strange }));
        expect(await stranger.client.upload('STOR a.txt', 'hello')).toMatch(/^522 /);
        expect(stranger.gateway.log.of('tls.client_certificate_untrusted')).toMatchObject([{ channel: 'data' }]);

        const same = await loggedIn(reuse, () => OWN_HANDSHAKE);
        expect(await same.client.upload('STOR a.txt', 'hello')).toContain('226');
        expect(readFileSync(join(same.gateway.home, 'a.txt'), 'utf8')).toBe('hello');
        expect((await same.client.download('RETR a.txt')).data.toString()).toBe('hello');
        for (const { client } of [none, other, stranger, same]) client.close();
      },
    );

    test('tells nobody without it anything', async () => {
      const { gateway, client } = await loggedIn('preferred', () => ({ ...OWN_HANDSHAKE, dataTls: WITHOUT }));
      const { reply, data } = await client.download('LIST');
      expect(reply).toMatch(/^522 /);
      expect(data).toHaveLength(0);
      expect(gateway.log.of('command').at(-1)).toMatchObject({ verb: 'LIST', code: 522 });
      client.close();
    });

    test.each(['required', 'preferred', 'off'] as const)(
      'that resumes the session has it in it (session_reuse: %s)',
      async (reuse) => {
        const { gateway, client } = await loggedIn(reuse, () => ({ version, dataTls: WITHOUT }));
        expect(await client.upload('STOR a.txt', 'hello')).toContain('226');
        expect(await client.upload('STOR b.txt', 'hello')).toContain('226');
        expect(readdirSync(gateway.home).sort()).toEqual(['a.txt', 'b.txt']);
        client.close();
      },
    );

    test('cannot resume what a connection without it was given', async () => {
      const { gateway, client } = await loggedIn('preferred', () => ({ version, dataTls: WITHOUT }));
      const first = await client.passive();
      client.write('STOR a.txt\r\n');
      const thief = client.secure(first, Buffer.alloc(0));
      const given: Buffer[] = [];
      thief.on('session', (session: Buffer) => given.push(session)).resume();
      await new Promise<void>((resolve) => thief.once('end', resolve));
      thief.end();
      while (!(await client.reply()).startsWith('522'));
      expect(given.length).toBeGreaterThan(0);
      for (const session of given) {
        const second = await client.passive();
        client.write('STOR a.txt\r\n');
        client.secure(second, session).end('stolen');
        const replies = [await client.reply()];
        if (replies[0]?.startsWith('150')) replies.push(await client.reply());
        expect(replies.at(-1)).toMatch(/^522 /);
      }
      expect(readdirSync(gateway.home)).toEqual([]);
      client.close();
    });
  });
});

function fingerprintOf({ cert }: Pair): string {
  return new X509Certificate(cert).fingerprint256;
}

function publicKeyOf({ cert }: Pair): string {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}
