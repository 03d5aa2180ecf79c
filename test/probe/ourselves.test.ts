import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { ask, complaints } from './ask.ts';

/** What is worth knowing of a gateway with one host and no OCSP answer, and asks for nothing. */
const KNOWN = { 'certificate.staple': 'info', 'prot.clear': 'info', 'sni.foreign': 'info' } as const;

test.each(['explicit', 'implicit'] as const)(
  'a gateway with its default policy has nothing to be ashamed of, %s',
  async (mode) => {
    const gateway = await startGateway({ listen: [{ port: 0, tls: mode }] });
    const report = await ask(gateway, { mode });
    // Clients of implicit TLS are older than PBSZ, and are not asked for it.
    const known = mode === 'implicit' ? { ...KNOWN, 'prot.before-pbsz': 'info' } : KNOWN;
    expect({ complaints: complaints(report), complete: report.complete }).toEqual({
      complaints: known,
      complete: true,
    });
    expect(report.facts).toMatchObject({ sessionReuseRequired: true, alpn: 'ftp', passiveAddress: '127.0.0.1' });
    expect(await readdir(gateway.home)).toEqual([]);
  },
  60_000,
);

test('a gateway is probed over IPv6, where PASV has no form', async () => {
  const gateway = await startGateway({ host: '::1' });
  // Without a name there is no SNI either.
  const report = await ask(gateway, { host: '::1', serverName: '::1' });
  expect(complaints(report)).toEqual({ ...KNOWN, 'passive.address': 'info' });
  expect(report.complete).toBe(true);
}, 60_000);

test.each<[string, Partial<GatewayOptionsInput>, Record<string, string>]>([
  ['tlsControlRequired is off', { tlsControlRequired: false }, { 'login.clear': 'high' }],
  ['tlsDataRequired is off', { tlsDataRequired: false }, { 'data.clear': 'medium' }],
  [
    'sessionReuse is preferred',
    { sessionReuse: 'preferred' },
    { 'session.required': 'low', 'session.foreign': 'info' },
  ],
  ['closeNotify is off', { closeNotify: 'off' }, { 'upload.cut-off': 'medium' }],
])(
  'it is seen from outside that %s',
  async (_, options, expected) => {
    const report = await ask(await startGateway(options));
    expect(complaints(report)).toEqual({ ...KNOWN, ...expected });
  },
  60_000,
);
