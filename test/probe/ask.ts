/** Probing for tests: a whole probe of a server on this machine, and its findings by their ids. */
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Check } from '../../src/probe/check.ts';
import type { Severity } from '../../src/probe/finding.ts';
import { Logins } from '../../src/probe/logins.ts';
import { type ProbeReport, type ProbeRequest, runProbe } from '../../src/probe/run-probe.ts';
import type { ProbeTarget } from '../../src/probe/target.ts';
import { testCertificates } from '../fixtures/certificates.ts';

/** A server that can be probed. */
export interface Askable {
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly directory?: string | undefined;
}

/** Probes with everything allowed, in twice the time that a slow machine takes. */
export async function ask(server: Askable, request: Partial<ProbeRequest> = {}): Promise<ProbeReport> {
  const { caCert } = await testCertificates();
  const { port, user, password = '', directory } = server;
  return await runProbe(
    {
      host: '127.0.0.1',
      port,
      mode: 'explicit',
      serverName: 'localhost',
      ca: caCert,
      timeoutMs: 120_000,
      credentials: user === undefined ? undefined : { user, password: new Secret(password) },
      directory,
      write: true,
      verified: true,
      ...request,
    },
    systemClock,
  );
}

/** The severities by id. */
export function severities({ findings }: ProbeReport): Readonly<Record<string, Severity>> {
  return Object.fromEntries(findings.map(({ id, severity }) => [id, severity]));
}

/** Everything that is not as it should be, by id. */
export function complaints(report: ProbeReport): Readonly<Record<string, Severity>> {
  const found = Object.entries(severities(report));
  return Object.fromEntries(found.filter(([, severity]) => severity !== 'ok'));
}

/** The severities of one check alone, with nothing known beforehand. */
export async function findingsOf(
  check: Check,
  server: Askable,
  target: Partial<ProbeTarget> = {},
): Promise<Readonly<Record<string, Severity>>> {
  const { caCert } = await testCertificates();
  const { port, user = '', password = '', directory } = server;
  const whole: ProbeTarget = {
    ...{ host: '127.0.0.1', address: '127.0.0.1', port, mode: 'explicit', serverName: 'localhost', ca: caCert },
    ...target,
  };
  using logins = new Logins(whole, {
    credentials: { user, password: new Secret(password) },
    directory,
    verified: true,
  });
  const signal = AbortSignal.timeout(60_000);
  const { findings } = await check.run({ clock: systemClock, signal, target: whole, facts: {}, logins });
  return Object.fromEntries(findings.map(({ id, severity }) => [id, severity]));
}
