/**
 * The scanners that auditors run, testssl.sh and sslscan, over `--starttls ftp`, against what is served with each profile.
 *
 * testssl.sh runs with -p (versions), -s (kinds of suites), -f (forward secrecy, groups) and -P (the server's order), and against
 * `intermediate`, which has all that the others have but two groups, with -S (server hello and certificate) and -U
 * (vulnerabilities) besides: about half a minute in all. Left out are the simulations of browsers and the lists of every suite
 * that it knows (-c, -E, -e), which take minutes and add no findings of their own. `fips` offers what `nist-800-52r2` does, and is
 * not scanned again.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { opensslSuite, TLS_PROFILES, type TlsProfileName } from '../../src/transport/tls-profiles.ts';
import { needs, run } from '../fixtures/client-programs.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { authorityOf } from './ways.ts';

const PROFILES = ['modern', 'intermediate', 'nist-800-52r2'] as const;
/** Far longer than it takes on a machine that has nothing else to do. */
const SCAN_MS = 600_000;

async function gatewayWith(profile: TlsProfileName): Promise<TestGateway> {
  const gateway = await startGateway();
  const { cert: certificate, key } = gateway.certificates;
  await gateway.gateway.close();
  return startGateway({ tls: { certificate, key, profile } });
}

/** One finding of testssl.sh. */
interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

const HARMLESS = new Set(['OK', 'INFO', 'LOW', 'DEBUG']);
/** What a certificate of one's own cannot have: an authority that the world trusts, and a place that says what was revoked. */
const OWN_AUTHORITY = new Set(['cert_chain_of_trust', 'cert_revocation', 'cert_trust']);
/** What testssl.sh (3.0) says of itself: its OpenSSL has no GOST, and over STARTTLS it cannot save a session of TLS 1.3. */
const ITS_OWN_LIMITS = new Set(['engine_problem', 'sessionresumption_ticket']);

function isSerious({ id, severity }: Finding): boolean {
  return !HARMLESS.has(severity) && !(severity === 'WARN' ? ITS_OWN_LIMITS : OWN_AUTHORITY).has(id);
}

function checksOf(profile: TlsProfileName): readonly string[] {
  return ['-p', '-s', '-f', '-P', ...(profile === 'intermediate' ? ['-S', '-U'] : [])];
}

/** What testssl.sh finds. */
async function scan(gateway: TestGateway, checks: readonly string[]): Promise<readonly Finding[]> {
  const report = join(await temporaryFolder(), 'report.json');
  const output = ['--quiet', '--color', '0', '--warnings', 'off', '--jsonfile', report];
  const ca = ['--add-ca', gateway.certificates.files.caCert];
  await run('testssl', [...checks, ...output, ...ca, '--ip', 'one', '--starttls', 'ftp', authorityOf(gateway)], {
    timeoutMs: SCAN_MS,
    // No colours; without it tput complains.
    env: { TERM: 'dumb' },
  });
  return JSON.parse(await readFile(report, 'utf8'));
}

needs('testssl', 'openssl')(
  'testssl.sh has nothing above LOW to say of any profile',
  { timeout: SCAN_MS + 10_000 },
  async () => {
    // At the same time: each spends half of its own waiting.
    const scans = PROFILES.map(async (profile) => ({
      profile,
      findings: await scan(await gatewayWith(profile), checksOf(profile)),
    }));
    for (const { profile, findings } of await Promise.all(scans)) {
      const serious = findings.filter(isSerious);
      expect([profile, serious]).toEqual([profile, []]);
      // It did look: at the versions, at the order, and where it should at the last of the vulnerabilities.
      const found = (id: string) => findings.find((one) => one.id === id)?.finding;
      expect(found('TLS1_3')).toMatch(/^offered/);
      expect(found('TLS1_2')).toMatch(TLS_PROFILES[profile].minVersion === 'TLSv1.2' ? /^offered/ : /^not offered/);
      expect(found('cipher_order')).toMatch(/^server/);
      if (profile === 'intermediate') expect(found('RC4')).toMatch(/^not vulnerable/);
    }
  },
);

needs('sslscan').each(PROFILES)(
  'sslscan sees of %s what the profile has, in its order, and nothing else',
  async (profile) => {
    const gateway = await gatewayWith(profile);
    const report = join(await temporaryFolder(), 'report.xml');
    await run('sslscan', ['--starttls-ftp', `--xml=${report}`, authorityOf(gateway)], { timeoutMs: 60_000 });
    const xml = await readFile(report, 'utf8');
    const values = (element: string, attribute: string, where = '') =>
      [...xml.matchAll(new RegExp(`<${element} [^>]*${where}[^>]*${attribute}="([^" ]*)`, 'g'))].map(
        ([, value]) => value,
      );
    const { minVersion, suites, groups } = TLS_PROFILES[profile];
    const versions = minVersion === 'TLSv1.2' ? ['1.2', '1.3'] : ['1.3'];
    expect([...xml.matchAll(/<protocol [^>]*version="([^"]*)" enabled="1"/g)].map(([, version]) => version)).toEqual(
      versions,
    );
    // The certificate has an RSA key.
    const offered = suites.filter(
      (suite) => !suite.includes('ECDSA') && (versions.length === 2 || !suite.includes('_WITH_')),
    );
    expect(values('cipher', 'cipher')).toEqual(offered.map(opensslSuite));
    // It knows no hybrid groups.
    for (const version of versions) {
      expect(values('group', 'name', `sslversion="TLSv${version}"`).sort()).toEqual([...groups].sort());
    }
    expect(values('renegotiation', 'supported')).toEqual(['0']);
    expect(values('heartbleed', 'vulnerable').every((value) => value === '0')).toBe(true);
    expect(values('compression', 'supported').every((value) => value === '0')).toBe(true);
  },
  90_000,
);
