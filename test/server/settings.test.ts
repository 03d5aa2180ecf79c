import fc from 'fast-check';
import { expect, test } from 'vitest';
import { userOptionsWith } from '../../src/config/account-options.ts';
import { allDirectives, gatewayOptionsWith } from '../../src/config/options.ts';
import { newSession } from '../../src/engine/apply-change.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { AccessFiles } from '../../src/server/access-files.ts';
import { settingsOf } from '../../src/server/settings.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import { silentLog } from '../../src/spi/log.ts';
import type { Session } from '../../src/spi/session.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { trail, trailModule } from '../fixtures/trail-module.ts';

const PATHS = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/d'];
const MINIMUM = { listen: [{ port: 0 }], tls: { certificate: 'a', key: 'b' } };
const directives = allDirectives([trailModule]);
const clock = new FakeClock(Date.UTC(2026, 0, 1));

/** What the places of a configuration may say; undefined says nothing. */
const said = fc.option(fc.constantFrom('p', 'q', 'r'), { nil: undefined });
const sections = fc.uniqueArray(
  fc.record({ path: fc.constantFrom(...PATHS), recursive: fc.boolean(), trail: fc.constantFrom('s', 't') }),
  { selector: ({ path }) => path, maxLength: 4 },
);
const world = fc.record({
  server: said,
  serverSections: sections,
  host: said,
  hostSections: sections,
  atHost: fc.boolean(),
  classes: fc.array(said, { maxLength: 3 }),
  account: said,
  accountSections: sections,
  files: fc.dictionary(fc.constantFrom(...PATHS), fc.constantFrom('f', 'g'), { maxKeys: 3 }),
  permitted: fc.boolean(),
  directory: fc.constantFrom(...PATHS, '/a/b/c/d/e'),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

/** The same by the words of the manual: one list of everything that is said, in the order in which it counts. */
function expected(w: World): { readonly session: string; readonly directory: string } {
  const order = [w.server, w.atHost ? w.host : undefined, ...w.classes, w.account];
  const parts = w.directory.split('/').filter((part) => part !== '');
  const stops = ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
  const inDirectories = stops.flatMap((stop) => [
    ...[w.serverSections, w.atHost ? w.hostSections : [], w.accountSections].map(
      (list) => list.find(({ path, recursive }) => path === stop && (recursive || stop === w.directory))?.trail,
    ),
    w.permitted ? w.files[stop] : undefined,
  ]);
  const text = (values: readonly (string | undefined)[]) =>
    ['none', ...values.filter((value) => value !== undefined)].join(' ');
  return { session: text(order), directory: text([...order, ...inDirectories]) };
}

function built(w: World) {
  const value = (text: string | undefined) => (text === undefined ? {} : { trail: text });
  const certificate = { certificate: 'a', key: 'b' };
  const options = gatewayOptionsWith(directives).parse({
    ...MINIMUM,
    ...value(w.server),
    ...(w.permitted && { allowOverride: 'all' }),
    directories: w.serverSections,
    hosts: [{ name: 'h.example', ...certificate, ...value(w.host), directories: w.hostSections }],
    classes: w.classes.map((text, index) => ({ name: `c${index}`, networks: ['0.0.0.0/0'], ...value(text) })),
  });
  const files = new MemoryFiles();
  for (const [path, text] of Object.entries(w.files))
    files.put(`${path === '/' ? '' : path}/.ftpaccess`, `trail: ${text}\n`);
  const account: Account = {
    name: 'a',
    files,
    permissions: new Set(),
    directories: [],
    existing: 'keep',
    onIncomplete: 'keep',
    settings: value(w.account),
    sections: w.accountSections.map(({ path, recursive, trail: text }) => ({
      path: at(path),
      recursive,
      settings: { trail: text },
    })),
  };
  const end = { address: '127.0.0.1', port: 1 };
  const session: Session = {
    ...newSession({ id: 'a', peer: end, local: end }),
    host: w.atHost ? 'h.example' : undefined,
    login: { state: 'LoggedIn', account },
  };
  const accessFiles = new AccessFiles({ name: '.ftpaccess', directives, clock, log: silentLog });
  const classesOf = () => options.classes.map(({ name }) => name);
  return { settings: settingsOf({ options, classesOf, accessFiles }), session, files };
}

function at(path: string): VirtualPath {
  return resolvePath(ROOT, path) ?? ROOT;
}

test('settings merge as the manual says, whatever is said where', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const { settings, session } = built(w);
      const wanted = expected(w);
      expect(settings.inSession(trail, session)).toBe(wanted.session);
      expect(await settings.atDirectory(trail, session, at(w.directory))).toBe(wanted.directory);
      expect(await settings.atDirectory(trail, session, at(w.directory))).toBe(wanted.directory);
      expect(settings.mayOverride(session)).toBe(w.permitted);
    }),
  );
});

test('where nothing is permitted no file is asked for', async () => {
  const { settings, session, files } = built({
    server: 'p',
    serverSections: [{ path: '/a', recursive: true, trail: 's' }],
    host: undefined,
    hostSections: [],
    atHost: false,
    classes: [],
    account: undefined,
    accountSections: [],
    files: { '/': 'f' },
    permitted: false,
    directory: '/a',
  });
  expect(await settings.atDirectory(trail, session, at('/a/b'))).toBe('none p s');
  await settings.admit(session, at('/a/b'));
  expect([files.failures.count('stat'), files.failures.count('openRead')]).toEqual([0, 0]);
});

test('whether anybody can be overridden follows the accounts that are written down', () => {
  const options = gatewayOptionsWith(directives).parse(MINIMUM);
  const accessFiles = new AccessFiles({ name: '.ftpaccess', directives, clock, log: silentLog });
  const written = (more: object) => [userOptionsWith(directives).parse({ name: 'a', home: '/srv/a', ...more })];
  let users = written({});
  const settings = settingsOf({ options, classesOf: () => [], accessFiles, users: () => users });
  expect(settings.mayOverrideAnybody()).toBe(false);
  users = written({ allowOverride: [], directories: [{ path: '/in', allowOverride: [] }] });
  expect(settings.mayOverrideAnybody()).toBe(false);
  users = written({ directories: [{ path: '/in', allowOverride: ['rules'] }] });
  expect(settings.mayOverrideAnybody()).toBe(true);
  users = written({ allowOverride: 'all' });
  expect(settings.mayOverrideAnybody()).toBe(true);
  users = written({});
  expect(settings.mayOverrideAnybody()).toBe(false);
});

test.each<[string, object]>([
  ['the server', { allowOverride: 'all' }],
  ['a directory', { directories: [{ path: '/in', allowOverride: ['rules'] }] }],
  ['a host', { hosts: [{ name: 'h.example', certificate: 'a', key: 'b', allowOverride: 'all' }] }],
  [
    'a directory of a host',
    { hosts: [{ name: 'h.example', certificate: 'a', key: 'b', directories: [{ path: '/', allowOverride: 'all' }] }] },
  ],
  ['an account', { users: [{ name: 'a', home: '/srv/a', allowOverride: 'all' }] }],
  ['a template', { authentication: [{ type: 'anonymous', account: { home: '/srv/a', allowOverride: 'all' } }] }],
  ['a users file that nobody has looked into', { usersFile: '/etc/users.yaml' }],
])('somebody can be overridden as soon as it is permitted by %s', (_, more) => {
  const options = gatewayOptionsWith(directives).parse({ ...MINIMUM, ...more });
  const accessFiles = new AccessFiles({ name: '.ftpaccess', directives, clock, log: silentLog });
  expect(settingsOf({ options, classesOf: () => [], accessFiles }).mayOverrideAnybody()).toBe(true);
});

test('an account of a program’s own counts once it has come', () => {
  const options = gatewayOptionsWith(directives).parse(MINIMUM);
  const accessFiles = new AccessFiles({ name: '.ftpaccess', directives, clock, log: silentLog });
  const settings = settingsOf({ options, classesOf: () => [], accessFiles });
  const end = { address: '127.0.0.1', port: 1 };
  const account: Account = {
    ...{ name: 'a', files: new MemoryFiles(), permissions: new Set(), directories: [] },
    ...{ existing: 'keep', onIncomplete: 'keep', settings: { allowOverride: 'all' } },
  };
  expect(settings.mayOverrideAnybody()).toBe(false);
  const session = { ...newSession({ id: 'a', peer: end, local: end }), login: { state: 'LoggedIn', account } } as const;
  expect(settings.mayOverride(session)).toBe(true);
  expect(settings.mayOverrideAnybody()).toBe(true);
});
