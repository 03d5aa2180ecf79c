import { expect, test } from 'vitest';
import { isPrivateAddress } from '../../src/probe/address-kind.ts';
import type { Check } from '../../src/probe/check.ts';
import { activeCheck } from '../../src/probe/checks/active.ts';
import { closeNotifyCheck } from '../../src/probe/checks/close-notify.ts';
import { dataProtectionCheck } from '../../src/probe/checks/data-protection.ts';
import { passiveCheck } from '../../src/probe/checks/passive.ts';
import { sessionReuseCheck } from '../../src/probe/checks/session-reuse.ts';
import { uploadCheck } from '../../src/probe/checks/upload.ts';
import type { Severity } from '../../src/probe/finding.ts';
import { findingsOf } from './ask.ts';
import { type Flaws, startFakeServer } from './fake-server.ts';

const UPLOADED = { 'upload.cut-off': 'ok', 'upload.whole': 'ok', 'close-notify.download': 'ok' } as const;
const PASSIVE = { 'passive.extended': 'ok', 'passive.address': 'ok', 'passive.ports': 'ok' } as const;

/** What a server is that has this flaw, by the check that looks for it. */
const FLAWED: readonly (readonly [string, Check, Flaws, Readonly<Record<string, Severity>>])[] = [
  [
    'asks data connections for no session',
    sessionReuseCheck,
    { sessions: 'optional' },
    { 'session.resumed': 'ok', 'session.required': 'low', 'session.foreign': 'info' },
  ],
  [
    'takes the session of anybody',
    sessionReuseCheck,
    { sessions: 'ofAnybody' },
    { 'session.resumed': 'ok', 'session.required': 'ok', 'session.foreign': 'low' },
  ],
  [
    'never resumes',
    sessionReuseCheck,
    { sessions: 'never' },
    { 'session.resumed': 'info', 'session.required': 'low', 'session.foreign': 'info' },
  ],
  [
    'demands sessions that it does not resume',
    sessionReuseCheck,
    { sessions: 'failing' },
    { 'session.resumed': 'medium', 'session.required': 'ok', 'session.foreign': 'ok' },
  ],
  ['serves PROT C', dataProtectionCheck, { clearData: 'served' }, { 'data.clear': 'medium', 'data.order': 'ok' }],
  [
    'serves in clear whoever does not say PROT',
    dataProtectionCheck,
    { clearData: 'servedUnasked' },
    { 'data.clear': 'medium', 'data.order': 'ok' },
  ],
  [
    'lists for ever in clear',
    dataProtectionCheck,
    { clearData: 'served', endless: true },
    { 'data.clear': 'medium', 'data.order': 'info' },
  ],
  ['lists for ever', closeNotifyCheck, { endless: true }, { 'close-notify.listing': 'info' }],
  [
    'asks for protection when the port is opened only',
    dataProtectionCheck,
    { protection: 'ruleAtPassive' },
    { 'data.clear': 'ok', 'data.order': 'high' },
  ],
  [
    'forgets a PROT P behind EPSV',
    dataProtectionCheck,
    { protection: 'takenAtPassive' },
    { 'data.clear': 'medium', 'data.order': 'high' },
  ],
  [
    'ends listings without close_notify',
    closeNotifyCheck,
    { noCloseNotify: true },
    { 'close-notify.listing': 'medium' },
  ],
  [
    'ends listings without close_notify in TLS 1.2',
    closeNotifyCheck,
    { noCloseNotify: true, tls: { maxVersion: 'TLSv1.2' } },
    { 'close-notify.listing': 'medium' },
  ],
  [
    'ends listings with close_notify in TLS 1.2',
    closeNotifyCheck,
    { tls: { maxVersion: 'TLSv1.2' } },
    { 'close-notify.listing': 'ok' },
  ],
  ['names another machine', passiveCheck, { passiveAddress: '192,0,2,9' }, { ...PASSIVE, 'passive.address': 'medium' }],
  ['knows no PASV', passiveCheck, { replies: { PASV: '502 No' } }, { ...PASSIVE, 'passive.address': 'info' }],
  ['knows no EPSV', passiveCheck, { replies: { EPSV: '502 No' } }, { ...PASSIVE, 'passive.extended': 'low' }],
  ['opens one port behind the other', passiveCheck, { passivePorts: 'inARow' }, { ...PASSIVE, 'passive.ports': 'low' }],
  ['opens ports below 1024', passiveCheck, { passivePorts: 'low' }, { ...PASSIVE, 'passive.ports': 'low' }],
  [
    'connects to strangers',
    activeCheck,
    { takesAddresses: 'foreign' },
    { 'active.foreign': 'medium', 'active.low-port': 'ok' },
  ],
  [
    'connects to low ports',
    activeCheck,
    { takesAddresses: 'lowPort' },
    { 'active.foreign': 'ok', 'active.low-port': 'low' },
  ],
  ['calls cut uploads complete', uploadCheck, { takesCutUploads: true }, { ...UPLOADED, 'upload.cut-off': 'medium' }],
  ['changes what is stored', uploadCheck, { stored: 'changed' }, { ...UPLOADED, 'upload.whole': 'medium' }],
  [
    'lets nobody fetch',
    uploadCheck,
    { stored: 'unreadable' },
    { ...UPLOADED, 'upload.whole': 'info', 'close-notify.download': 'info' },
  ],
  [
    'takes no upload at all',
    uploadCheck,
    { sessions: 'failing' },
    { 'upload.cut-off': 'info', 'upload.whole': 'medium', 'close-notify.download': 'info' },
  ],
  ['lets nobody delete', uploadCheck, { stored: 'undeletable' }, { ...UPLOADED, 'upload.left-behind': 'low' }],
  [
    'ends downloads without close_notify',
    uploadCheck,
    { noCloseNotify: true },
    { ...UPLOADED, 'close-notify.download': 'medium' },
  ],
];

test.each(FLAWED)(
  'a server that %s is found out',
  async (_, check, flaws, expected) => {
    expect(await findingsOf(check, await startFakeServer(flaws))).toEqual(expected);
  },
  40_000,
);

test('addresses that nobody outside can reach are known', () => {
  expect(
    ['10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', '127.0.0.1', '0.0.0.0', '::1', 'fe80::1'].every(
      isPrivateAddress,
    ),
  ).toBe(true);
  expect(['203.0.113.7', '172.32.0.1', '2001:db8::1'].some(isPrivateAddress)).toBe(false);
});

test('what was uploaded is deleted again, also where the upload is called cut off', async () => {
  const server = await startFakeServer({ takesCutUploads: true });
  await findingsOf(uploadCheck, server);
  expect(server.files.size).toBe(0);
  const stored = server.lines.filter((line) => line.startsWith('STOR '));
  expect(stored).toHaveLength(2);
  expect(new Set(stored).size).toBe(1);
  for (const line of stored) expect(line).toMatch(/^STOR sallyport-probe-[0-9a-f]{16}\.tmp$/);
});

test('an upload that is refused is no finding but a check that failed', async () => {
  const server = await startFakeServer({ stored: 'refused' });
  await expect(findingsOf(uploadCheck, server)).rejects.toThrow('the upload is refused: 550');
});

test('one login is used for all checks that can share it', async () => {
  const server = await startFakeServer({ sessions: 'optional' });
  await findingsOf(sessionReuseCheck, server);
  // The second is the owner of the foreign session.
  expect(server.logins()).toBe(2);
});
