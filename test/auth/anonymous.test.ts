/** Logins without proof: which names, and what the log says. */
import { describe, expect, test } from 'vitest';
import { anonymousEntry, anonymousProver } from '../../src/auth/anonymous.ts';
import { Secret } from '../../src/lib/secret.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

function logInAs(user: string, password: string | undefined, users: readonly string[] = ['anonymous', 'ftp']) {
  const log = new RecordingLog();
  const credentials = {
    user,
    password: password === undefined ? undefined : new Secret(password),
    address: '192.0.2.1',
    tls: undefined,
    host: undefined,
  };
  const proof = anonymousProver({ users }, log).prove(credentials, new AbortController().signal);
  return { log, proof };
}

describe('an entry for anonymous logins is refused', () => {
  test.each([
    ['without an account', { type: 'anonymous' }],
    ['without a home', { type: 'anonymous', account: { permissions: 'elr' } }],
    ['with an account of somebody', { type: 'anonymous', account: 'users' }],
    ['with a second factor', { type: 'anonymous', account: { home: '/srv' }, totp: 'required' }],
    ['with no name', { type: 'anonymous', account: { home: '/srv' }, users: [] }],
  ])('%s', (_, written) => {
    expect(anonymousEntry.safeParse(written).success).toBe(false);
  });
});

test('its account may look and fetch, and nothing else', () => {
  const entry = anonymousEntry.parse({ type: 'anonymous', account: { home: '/srv/pub' } });
  expect(entry).toMatchObject({ users: ['anonymous', 'ftp'], account: { home: '/srv/pub', permissions: 'elr' } });
});

test.each([['alice'], [''], ['anonymous '], ['ftpd']])('the name %j is left to the next entry', async (user) => {
  const { proof, log } = logInAs(user, 'guest@example.com');
  expect(await proof).toEqual({ verdict: 'declined' });
  expect(log.entries).toEqual([]);
});

test('nobody is logged in before a password was asked for', async () => {
  expect(await logInAs('anonymous', undefined).proof).toEqual({ verdict: 'declined' });
});

test.each([
  ['anonymous', 'anonymous'],
  ['Anonymous', 'anonymous'],
  ['FTP', 'ftp'],
])('%s is let in as %s with any password, also with none', async (user, name) => {
  for (const password of ['guest@example.com', '']) {
    expect(await logInAs(user, password).proof).toEqual({ verdict: 'accepted', identity: { user: name, groups: [] } });
  }
});

test('the log has what the guest says, bounded and without control characters', async () => {
  const { proof, log } = logInAs('ftp', `\u001b[31mguest${'x'.repeat(1_000)}`);
  await proof;
  const said = String(log.of('login.anonymous')[0]?.said);
  expect(said).toMatch(/^\\u001b\[31mguestx+$/);
  expect(said.length).toBeLessThan(200);
});

test('other names can be given', async () => {
  expect(await logInAs('guest', 'x', ['Guest']).proof).toMatchObject({ verdict: 'accepted' });
  expect(await logInAs('anonymous', 'x', ['Guest']).proof).toEqual({ verdict: 'declined' });
});
