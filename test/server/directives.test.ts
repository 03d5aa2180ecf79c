/** Directives of a module over real sockets: every place where one may be written, and the order in which they merge. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeKey, makeServerCertificate } from '../../src/cli/certificates.ts';
import { allDirectives, type GatewayOptionsInputWith, gatewayOptionsWith } from '../../src/config/options.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { defineDirective } from '../../src/spi/directive.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestUser } from '../fixtures/gateway.ts';
import { trail, trailCommand, type trailMark, trailModule } from '../fixtures/trail-module.ts';

type Own = typeof trail | typeof trailMark;

const parts = { modules: [trailModule], commands: [trailCommand] };

test.each<[string, string, RegExp]>([
  ['a key of the configuration', 'banner', /module twin: banner is a key of the configuration already/],
  ['a key that only files have', 'include', /module twin: include is a key of the configuration already/],
  ['a built-in directive', 'allowOverride', /module twin: allow_override is a directive of Sallyport already/],
  ['a directive of another module', 'trail', /module twin: trail is a directive of module trail already/],
])('a directive with the name of %s keeps the gateway from starting', (_, name, message) => {
  const twin = { name: 'twin', directives: [defineDirective({ ...trail, name })] };
  const options = { listen: [{ port: 0 }], tls: { certificate: 'a', key: 'b' } };
  expect(() => createGateway(options, { modules: [trailModule, twin] })).toThrow(message);
});

test('two modules may share one directive', async () => {
  const twin = { name: 'twin', directives: [trail] };
  const gateway = await startGateway({}, {}, { ...parts, modules: [trailModule, twin] });
  expect(await (await RawClient.login(gateway)).send('TRAIL')).toBe('200 none, 0');
});

test('a value that the schema refuses keeps the gateway from starting, and so does a wrong place', () => {
  const start = (more: object) => () =>
    createGateway({ listen: [{ port: 0 }], tls: { certificate: 'a', key: 'b' }, ...more }, parts);
  expect(start({ trail: 'far too long' })).toThrow(/trail/);
  expect(start({ directories: [{ path: '/', trailMark: 1 }] })).toThrow(/trailMark/);
});

test('where nobody says anything the initial value holds, everywhere', async () => {
  const client = await RawClient.login(await startGateway({}, {}, parts));
  expect(await client.send('TRAIL')).toBe('200 none, 0');
  expect(await client.send('TRAIL /a/b')).toBe('200 none, 0');
});

test('server, host, classes, account, the sections of directories and access files merge in this order', async () => {
  const { caCert, files } = await testCertificates();
  const key = await makeKey(2048);
  const ca = { cert: caCert, key: readFileSync(join(files.folder, 'ca.key'), 'utf8') };
  const certificate = makeServerCertificate(key, ca, {
    names: ['a.example', 'b.example'],
    nowMs: Date.now(),
    days: 30,
  });
  const section = (path: string, text: string, more: object = {}) => ({ path, trail: text, ...more });
  const options = {
    trail: 'server',
    trailMark: 3,
    allowOverride: 'all',
    classes: [
      { name: 'far', networks: ['192.0.2.0/24'], trail: 'far' },
      { name: 'near', networks: ['127.0.0.0/8'], trail: 'near' },
      { name: 'all', networks: ['0.0.0.0/0'], trail: 'all' },
    ],
    directories: [section('/', 's:/'), section('/in', 's:in'), section('/in/b', 's:b', { recursive: false })],
    hosts: [
      { name: 'a.example', certificate, key, trail: 'host', directories: [section('/in', 'h:in')] },
      { name: 'b.example', certificate, key, trail: 'other' },
    ],
  } satisfies Partial<GatewayOptionsInputWith<Own>>;
  const user = {
    trail: 'account',
    directories: [section('/in', 'a:in'), section('/in/b', 'a:b', { permissions: 'elr' })],
  };
  const gateway = await startGateway(options, user, parts);
  await writeFile(join(gateway.home, '.ftpaccess'), 'trail: f:/\ntrail_mark: 7\n');
  const client = await RawClient.login(gateway, { serverName: 'a.example' });

  const session = 'none server host near all account';
  expect(await client.send('TRAIL')).toBe(`200 ${session}, 3`);
  expect(await client.send('TRAIL /')).toBe(`200 ${session} s:/ f:/, 7`);
  expect(await client.send('TRAIL /inbox')).toBe(`200 ${session} s:/ f:/, 7`);
  expect(await client.send('TRAIL /in')).toBe(`200 ${session} s:/ f:/ s:in h:in a:in, 7`);
  expect(await client.send('TRAIL /in/b')).toBe(`200 ${session} s:/ f:/ s:in h:in a:in s:b a:b, 7`);
  expect(await client.send('TRAIL /in/b/c')).toBe(`200 ${session} s:/ f:/ s:in h:in a:in a:b, 7`);
});

test('the sections of an account hold for it alone, and before login only the server’s and the host’s do', async () => {
  const options: Partial<GatewayOptionsInputWith<Own>> = { trail: 'server' };
  const user: TestUser & { trail: string } = { trail: 'account' };
  const gateway = await startGateway(options, user, { ...parts, commands: [{ ...trailCommand, who: 'anyone' }] });
  const client = await RawClient.connect(gateway);
  expect(await client.send('TRAIL')).toBe('200 none server, 0');
  expect(await (await RawClient.login(gateway)).send('TRAIL /')).toBe('200 none server account, 0');
});

test('the account of an entry of authentication takes directives as accounts do, in the types too', () => {
  const options = (more: object): GatewayOptionsInputWith<Own> => ({
    listen: [{ port: 0 }],
    tls: { certificate: 'a', key: 'b' },
    authentication: [{ type: 'unix', account: { allowOverride: 'all', ...more } }],
  });
  // @ts-expect-error A number is no list of names.
  const wrong: GatewayOptionsInputWith<Own>['allowOverride'] = 3;
  const schema = gatewayOptionsWith(allDirectives([trailModule]));
  expect(schema.safeParse({ ...options({}), allowOverride: wrong }).success).toBe(false);
  expect(schema.safeParse(options({ trialMark: 1 })).success).toBe(false);
  const section = { path: '/in', trail: 'section' };
  expect(schema.parse(options({ trail: 'account', directories: [section] })).authentication).toMatchObject([
    { account: { allowOverride: 'all', trail: 'account', directories: [section] } },
  ]);
});
