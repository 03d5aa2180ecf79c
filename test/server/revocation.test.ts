/** Client certificates that their authority has taken back, or of which nobody can tell any more whether it has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { describe, expect } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { OpensslAuthority, type Pair } from '../fixtures/openssl-authority.ts';

const test = needs('openssl');

const VERSIONS: SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const PAST = { lastUpdate: '20200101000000Z', nextUpdate: '20200201000000Z' };

/** Two authorities, one below the first, and one that has the name of the first and nothing else of it. */
interface World {
  readonly root: OpensslAuthority;
  readonly other: OpensslAuthority;
  readonly below: OpensslAuthority;
  readonly impostor: OpensslAuthority;
  readonly ofRoot: Pair;
  readonly ofOther: Pair;
  readonly ofBelow: Pair;
}

async function world(): Promise<World> {
  const folder = await temporaryFolder();
  const root = new OpensslAuthority(folder, 'Root');
  const other = new OpensslAuthority(folder, 'Other');
  const below = new OpensslAuthority(folder, 'Below', { issuer: root });
  const impostor = new OpensslAuthority(folder, 'Root', { key: 'impostor' });
  const ofBelow = below.issue('partner');
  return {
    ...{ root, other, below, impostor },
    ofRoot: root.issue('partner'),
    ofOther: other.issue('partner'),
    ofBelow: { ...ofBelow, cert: `${ofBelow.cert}${below.cert}` },
  };
}

interface Started {
  readonly clock?: FakeClock;
  readonly sessionReuse?: 'preferred';
}

/** A gateway with the two roots and these lists; a certificate is enough there to log in. */
async function start({ root, other }: World, crl: string, { clock, ...more }: Started = {}) {
  const { cert, key } = await testCertificates();
  const crlFile = join(await temporaryFolder(), 'revoked.crl');
  writeFileSync(crlFile, crl);
  const tls = {
    ...({
      certificate: cert,
      key,
      clientCertificate: 'optional',
      clientCa: `${root.cert}${other.cert}`,
      crlFile,
    } as const),
  };
  const authentication = [
    { type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' } as const,
    { type: 'users' } as const,
  ];
  const gateway = await startGateway({ tls, authentication, ...more }, {}, clock === undefined ? {} : { clock });
  return { gateway, crlFile };
}

async function greeted(gateway: TestGateway, version: SecureVersion, certificate: Pair): Promise<RawClient> {
  const client = await RawClient.connect(gateway, { version, certificate });
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

/** 232 when the certificate counts, 331 when it does not; and why. */
async function outcome(gateway: TestGateway, version: SecureVersion, certificate: Pair): Promise<string> {
  const before = gateway.log.of('tls.client_certificate_untrusted').length;
  const client = await greeted(gateway, version, certificate);
  const answer = (await client.send('USER partner')).slice(0, 3);
  client.close();
  const [entry] = gateway.log.of('tls.client_certificate_untrusted').slice(before);
  return entry === undefined ? answer : `${answer} ${entry.reason}`;
}

describe.each(VERSIONS)('over %s', (version) => {
  test('a certificate that was taken back does not count', async () => {
    const own = await world();
    own.root.revoke(own.ofRoot.cert);
    const { gateway } = await start(own, own.root.list());
    expect(await outcome(gateway, version, own.ofRoot)).toBe('331 CERT_REVOKED');
    expect(await outcome(gateway, version, own.root.issue('partner2'))).toBe('331');
  });

  test('without a list of its issuer, or with one that has ended or not begun, none counts', async () => {
    const own = await world();
    const { root, other, impostor, ofRoot } = own;
    const cases = [
      [other.list(), 'UNABLE_TO_GET_CRL'],
      [root.list(PAST), 'CRL_HAS_EXPIRED'],
      [root.list({ lastUpdate: '20480101000000Z' }), 'CRL_NOT_YET_VALID'],
      [impostor.list(), /^(UNABLE_TO_GET_CRL|CRL_SIGNATURE_FAILURE)$/],
    ] as const;
    for (const [crl, reason] of cases) {
      const { gateway } = await start(own, crl);
      const [code, why] = (await outcome(gateway, version, ofRoot)).split(' ');
      expect(code).toBe('331');
      expect(why).toMatch(reason);
    }
  });

  test('every issuer has its list in the one file, wherever it stands there', async () => {
    const own = await world();
    own.other.revoke(own.ofOther.cert);
    const [first, second] = [own.root.list(), own.other.list()];
    for (const crl of [`${first}${second}`, `Some words.\n${second}\n${first}`]) {
      const { gateway } = await start(own, crl);
      expect(await outcome(gateway, version, own.ofRoot)).toBe('232');
      expect(await outcome(gateway, version, own.ofOther)).toBe('331 CERT_REVOKED');
    }
  });

  test('lists are shared by all, and tickets by nobody: a data connection resumes its own session and no other', async () => {
    const own = await world();
    const { gateway } = await start(own, `${own.root.list()}${own.other.list()}`);
    const members = [];
    for (const certificate of [own.ofRoot, own.ofOther]) {
      const client = await greeted(gateway, version, certificate);
      expect(await client.send('USER partner')).toContain('232');
      for (const line of ['PBSZ 0', 'PROT P', 'TYPE I']) await client.send(line);
      for (let i = 0; i < 3; i++) expect(await client.upload(`STOR ${i}.txt`, 'hello')).toContain('226');
      expect((await client.download('RETR 0.txt')).data.toString()).toBe('hello');
      members.push(client);
    }
    const [first, second] = members;
    const socket = await second?.passive();
    expect(await second?.send('STOR b.txt')).toContain('150');
    if (socket !== undefined) second?.secure(socket, first?.session).end('hello');
    expect(await second?.reply()).toContain('522');
    for (const client of members) client.close();
  });

  test('lists are looked at on data connections with a handshake of their own, too', async () => {
    const own = await world();
    const { gateway } = await start(own, `${own.root.list()}${own.other.list()}`, { sessionReuse: 'preferred' });
    const options = { reuse: false, certificate: own.ofRoot };
    for (const [dataTls, code] of [
      [own.ofRoot, '226'],
      [own.ofOther, '522'],
    ] as const) {
      const client = await RawClient.connect(gateway, { version, ...options, dataTls });
      await client.send('AUTH TLS');
      await client.startTls();
      expect(await client.send('USER partner')).toContain('232');
      for (const line of ['PBSZ 0', 'PROT P']) await client.send(line);
      expect(await client.upload('STOR a.txt', 'hello')).toContain(code);
      client.close();
    }
  });

  test('one list that has ended refuses the certificates of its issuer and of nobody else', async () => {
    const own = await world();
    const { root, other, ofRoot, ofOther } = own;
    const { gateway } = await start(own, `${root.list(PAST)}${other.list()}`);
    expect(await outcome(gateway, version, ofRoot)).toBe('331 CRL_HAS_EXPIRED');
    expect(await outcome(gateway, version, ofOther)).toBe('232');
  });

  test('every authority of a chain needs its list, and one that was taken back takes all below it along', async () => {
    const own = await world();
    const { root, below, ofBelow } = own;
    const { gateway: without } = await start(own, root.list());
    expect(await outcome(without, version, ofBelow)).toBe('331 UNABLE_TO_GET_CRL');
    const { gateway: half } = await start(own, below.list());
    expect(await outcome(half, version, ofBelow)).toBe('331 UNABLE_TO_GET_CRL');
    const { gateway: both } = await start(own, `${root.list()}${below.list()}`);
    expect(await outcome(both, version, ofBelow)).toBe('232');
    root.revoke(below.cert);
    const { gateway: revoked } = await start(own, `${root.list()}${below.list()}`);
    expect(await outcome(revoked, version, ofBelow)).toBe('331 CERT_REVOKED');
  });
});

test('a list that changes is in force from the next look on, and leaves sessions that are there alone', async () => {
  const own = await world();
  const clock = new FakeClock(Date.now());
  const { gateway, crlFile } = await start(own, own.root.list(), { clock });
  const early = await greeted(gateway, 'TLSv1.3', own.ofRoot);
  expect(await early.send('USER partner')).toContain('232');
  own.root.revoke(own.ofRoot.cert);
  writeFileSync(crlFile, own.root.list());
  expect(await outcome(gateway, 'TLSv1.3', own.ofRoot)).toBe('232');
  clock.advance(60_000);
  await expect.poll(() => gateway.log.of('client_authorities.reloaded'), { timeout: 10_000 }).toHaveLength(1);
  expect(await outcome(gateway, 'TLSv1.3', own.ofRoot)).toBe('331 CERT_REVOKED');
  expect(await early.send('PWD')).toContain('257');
  early.close();
});

test('what is no list leaves the old one in force, is told, and keeps a gateway from starting', async () => {
  const own = await world();
  const { gateway, crlFile } = await start(own, own.root.list());
  writeFileSync(crlFile, 'nothing');
  const refused = {
    part: 'client authorities',
    outcome: 'refused',
    reason: expect.stringMatching(/no revocation list/),
  };
  expect(await gateway.gateway.reload()).toContainEqual(refused);
  expect(await outcome(gateway, 'TLSv1.3', own.ofRoot)).toBe('232');
  await expect(start(own, 'nothing')).rejects.toThrow(/revoked\.crl: holds no revocation list/);
  const broken = own.root.list().replace(/\n.{8}/, '\nAAAAAAAA');
  await expect(start(own, `${own.root.list()}${broken}`)).rejects.toThrow(/revocation list 2: /);
});

test('the log tells once of a list that ends soon, and once when it has', async () => {
  const clock = new FakeClock(Date.now());
  const own = await world();
  const { gateway } = await start(own, `${own.root.list({ nextUpdate: opensslTime(10) })}${own.other.list(PAST)}`, {
    clock,
  });
  const ended = { host: undefined, issuer: 'Test, Other', nextUpdate: '2020-02-01T00:00:00.000Z' };
  expect(gateway.log.of('crl.ended')).toEqual([ended]);
  expect(gateway.log.of('crl.ends_soon')).toEqual([]);
  clock.advance(8 * 3_600_000);
  await expect.poll(() => gateway.log.of('crl.ends_soon'), { timeout: 10_000 }).toHaveLength(1);
  clock.advance(8 * 3_600_000);
  await expect.poll(() => gateway.log.of('crl.ended'), { timeout: 10_000 }).toHaveLength(2);
  clock.advance(60_000);
  expect(gateway.log.of('crl.ends_soon')).toHaveLength(1);
});

test('reload() tells at once that a new list has ended or ends soon, and tells it once', async () => {
  const own = await world();
  const { gateway, crlFile } = await start(own, own.root.list());
  writeFileSync(crlFile, own.root.list(PAST));
  expect(gateway.log.of('crl.ended')).toEqual([]);
  await gateway.gateway.reload();
  expect(gateway.log.of('crl.ended')).toMatchObject([{ issuer: 'Test, Root' }]);
  writeFileSync(crlFile, own.root.list({ nextUpdate: opensslTime(1) }));
  await gateway.gateway.reload();
  expect(gateway.log.of('crl.ends_soon')).toHaveLength(1);
  await gateway.gateway.reload();
  expect(gateway.log.of('crl.ends_soon')).toHaveLength(1);
});

/** A time so many hours from now. */
function opensslTime(hours: number): string {
  return `${new Date(Date.now() + hours * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}
