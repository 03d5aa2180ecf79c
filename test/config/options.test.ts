import { describe, expect, test } from 'vitest';
import { type GatewayOptionsInput, gatewayOptions } from '../../src/config/options.ts';
import { modeBits } from '../../src/config/storage-options.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const smallest = {
  listen: [{ port: 2121 }],
  tls: { certificateFile: 'server.crt', keyFile: 'server.key' },
} satisfies GatewayOptionsInput;

const user = (name: string) => ({ name, passwordHash: HASH, home: '/srv' });

const host = (name: string, more = {}) => ({ name, certificateFile: 'host.crt', keyFile: 'host.key', ...more });

describe('what is no configuration', () => {
  test.each<[string, unknown, string]>([
    ['nothing', {}, 'listen tls'],
    ['nowhere to listen', { ...smallest, listen: [] }, 'listen'],
    ['a host name', { ...smallest, listen: [{ host: 'localhost', port: 1 }] }, 'listen.0.host'],
    ['a port beyond the last', { ...smallest, listen: [{ port: 65_536 }] }, 'listen.0.port'],
    ['an audit log of another requirement', { ...smallest, audit: { requirement: 'maybe' } }, 'audit.requirement'],
    ['an audit log’s name with a space', { ...smallest, audit: { origin: 'a b' } }, 'audit.origin'],
    ['records kept for no day', { ...smallest, audit: { retainDays: 0 } }, 'audit.retainDays'],
    ['a witness that is no vkey', { ...smallest, audit: { witnesses: ['somebody'] } }, 'audit.witnesses.0'],
    ['metrics at a host name', { ...smallest, metrics: { host: 'localhost', port: 1 } }, 'metrics.host'],
    ['metrics without a port', { ...smallest, metrics: {} }, 'metrics.port'],
    ['metrics at a port beyond the last', { ...smallest, metrics: { port: 65_536 } }, 'metrics.port'],
    ['metrics with a stray key', { ...smallest, metrics: { port: 1, tls: true } }, 'metrics'],
    ['metrics at a listener', { ...smallest, metrics: { port: 2_121 } }, 'metrics.port'],
    [
      'metrics at one of all IPv4 addresses that a listener has',
      { ...smallest, listen: [{ host: '0.0.0.0', port: 21 }], metrics: { port: 21 } },
      'metrics.port',
    ],
    [
      'metrics at all addresses, of which a listener has one',
      { ...smallest, metrics: { host: '0:0::0', port: 2_121 } },
      'metrics.port',
    ],
    [
      'metrics at a listener beside another mistake',
      { ...smallest, metrics: { port: 2_121 }, closeNotify: 1 },
      'closeNotify metrics.port',
    ],
    ['a port that is text', { ...smallest, listen: [{ port: '21' }] }, 'listen.0.port'],
    ['the same port twice', { ...smallest, listen: [{ port: 21 }, { port: 21, tls: 'implicit' }] }, 'listen.1.port'],
    ['no certificate', { ...smallest, tls: {} }, 'tls.certificateFile tls.keyFile'],
    ['a certificate without its key', { ...smallest, tls: { certificateFile: 'a' } }, 'tls.keyFile'],
    ['a key without its certificate', { ...smallest, tls: { key: 'a' } }, 'tls.certificate'],
    ['a file and a text', { ...smallest, tls: { certificateFile: 'a', key: 'a' } }, 'tls'],
    ['both pairs', { ...smallest, tls: { ...smallest.tls, certificate: 'a', key: 'a' } }, 'tls'],
    ['TLS 1.1', { ...smallest, tls: { ...smallest.tls, minVersion: 'TLSv1.1' } }, 'tls.minVersion'],
    [
      'a host whose name is none',
      { ...smallest, hosts: [host('a_b.example'), host('ftp.example.com.')] },
      'hosts.0.name hosts.1.name',
    ],
    ['a host that is an address', { ...smallest, hosts: [host('192.0.2.1')] }, 'hosts.0.name'],
    ['two hosts of one name', { ...smallest, hosts: [host('a.example'), host('A.Example')] }, 'hosts.1.name'],
    [
      'a host without a certificate',
      { ...smallest, hosts: [{ name: 'a.example', keyFile: 'a' }] },
      'hosts.0.certificateFile',
    ],
    [
      'a host with a user who is none',
      { ...smallest, hosts: [host('a.example', { users: ['a b'] })] },
      'hosts.0.users.0',
    ],
    [
      'a host with a banner of two lines',
      { ...smallest, hosts: [host('a.example', { banner: 'a\nb' })] },
      'hosts.0.banner',
    ],
    ['a policy of another kind', { ...smallest, tlsControlRequired: 'yes' }, 'tlsControlRequired'],
    ['a requirement that does not exist', { ...smallest, closeNotify: false }, 'closeNotify'],
    ['a privileged passive port', { ...smallest, passive: { portMin: 1_023 } }, 'passive.portMin'],
    ['a passive range that runs backwards', { ...smallest, passive: { portMin: 51_000 } }, 'passive.portMax'],
    ['half of any free port', { ...smallest, passive: { portMin: 0 } }, 'passive.portMax'],
    ['the other half', { ...smallest, passive: { portMax: 0 } }, 'passive.portMax'],
    ['an IPv6 address in PASV', { ...smallest, passive: { address: '::1' } }, 'passive.address'],
    ['two users of one name', { ...smallest, users: [user('a'), user('b'), user('a')] }, 'users.2.name'],
    ['a limit below its bound', { ...smallest, limits: { lineBytesMax: 511 } }, 'limits.lineBytesMax'],
    ['a limit above its bound', { ...smallest, limits: { sessionTimeMaxMs: 604_800_001 } }, 'limits.sessionTimeMaxMs'],
    ['a limit that is no whole number', { ...smallest, limits: { badCommandsMax: 1.5 } }, 'limits.badCommandsMax'],
    [
      'a limit without end',
      { ...smallest, limits: { uploadBytesMax: Number.POSITIVE_INFINITY } },
      'limits.uploadBytesMax',
    ],
    ['MODE Z that is no yes or no', { ...smallest, modeZ: 9 }, 'modeZ'],
    ['a ratio that no zlib stream has', { ...smallest, limits: { inflateRatioMax: 1_101 } }, 'limits.inflateRatioMax'],
    [
      'a charset with a slash in its characters',
      { ...smallest, users: [{ ...user('a'), charset: 'utf-16' }] },
      'users.0.charset',
    ],
    [
      'a login shorter than its handshake',
      { ...smallest, limits: { loginTimeoutMs: 14_999 } },
      'limits.loginTimeoutMs',
    ],
    ['an idle time beyond the session', { ...smallest, limits: { sessionTimeMaxMs: 899_999 } }, 'limits.idleTimeoutMs'],
    ['a file mode that is a number', { ...smallest, storage: { fileMode: 640 } }, 'storage.fileMode'],
    ['a file mode with setuid', { ...smallest, storage: { fileMode: '4755' } }, 'storage.fileMode'],
    ['a file mode that shuts the gateway out', { ...smallest, storage: { fileMode: '0440' } }, 'storage.fileMode'],
    ['a directory mode that does', { ...smallest, storage: { directoryMode: '0640' } }, 'storage.directoryMode'],
    ['a banner of two lines', { ...smallest, banner: 'a\r\n230 b' }, 'banner'],
    ['a banner with a bidi override', { ...smallest, banner: 'a\u202eb' }, 'banner'],
    ['an empty banner', { ...smallest, banner: '' }, 'banner'],
    ['a misspelt key', { ...smallest, tlsDataRequierd: false }, ''],
    ['a misspelt key further in', { ...smallest, limits: { idleTimeout: 1 } }, 'limits'],
  ])('%s', (_, options, paths) => {
    const issues = gatewayOptions.safeParse(options).error?.issues ?? [];
    expect(issues.map((issue) => issue.path.join('.')).join(' ')).toBe(paths);
    expect(issues).not.toEqual([]);
  });
});

test('checks of several keys run although other keys are wrong, and not on keys that are wrong themselves', () => {
  const options = {
    ...smallest,
    passive: { portMin: 51_000, adress: '192.0.2.1' },
    limits: { loginTimeoutMs: 'soon', idleTimeoutMs: 80_000_000, sessionTimeMaxMs: 70_000_000 },
    users: [user('a'), { ...user('a'), home: 3 }, 'b'],
    banner: 7,
  };
  const issues = gatewayOptions.safeParse(options).error?.issues ?? [];
  expect(issues.map((issue) => [issue.path.join('.'), issue.code])).toEqual([
    ['passive', 'unrecognized_keys'],
    ['passive.portMax', 'custom'],
    ['users.1.home', 'invalid_type'],
    ['users.2', 'invalid_type'],
    ['users.1.name', 'custom'],
    ['limits.loginTimeoutMs', 'invalid_type'],
    ['limits.idleTimeoutMs', 'custom'],
    ['banner', 'invalid_type'],
  ]);
});

test('a host that asks for certificates needs authorities, and lists of its own need authorities of its own', () => {
  const mistakes = (tls: object, host: object) =>
    gatewayOptions
      .safeParse({
        ...smallest,
        tls: { ...smallest.tls, ...tls },
        hosts: [{ name: 'a.example', certificateFile: 'a.crt', keyFile: 'a.key', ...host }],
      })
      .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  const asking = { clientCertificate: 'optional', clientCaFile: 'ca.pem' };
  expect(mistakes({}, { clientCertificate: 'required' })).toEqual(['hosts.0.clientCaFile is missing']);
  expect(mistakes(asking, { crlFile: 'x.crl' })).toEqual(['hosts.0.crlFile is for a host with client_ca_file']);
  expect(mistakes({}, { clientCa: 'x', clientCaFile: 'x' })).toEqual(['hosts.0.clientCa is given twice']);
  expect(mistakes({ clientCertificate: 'required' }, {})).toContain('tls.clientCaFile is missing');
  for (const [tls, host] of [
    [{}, {}],
    [{}, asking],
    [asking, { clientCertificate: 'off' }],
    [{ clientCaFile: 'ca.pem' }, { clientCertificate: 'required' }],
    [asking, { clientCaFile: 'own.pem', crlFile: 'own.crl' }],
  ] as const) {
    expect(mistakes(tls, host)).toBeUndefined();
  }
});

test('accounts name certificates by SHA-256, however it is written', () => {
  const hex = '0a'.repeat(32);
  const user = (more: object) => ({ ...smallest, users: [{ name: 'a', home: '/srv/a', ...more }] });
  const written = hex.toUpperCase().replace(/..(?=.)/g, '$&:');
  const parsed = gatewayOptions.parse(user({ certificateFingerprints: [written], certificatePublicKeys: [hex] }));
  expect(parsed.users[0]).toMatchObject({ certificateFingerprints: [hex], certificatePublicKeys: [hex] });
  for (const wrong of ['', 'x', hex.slice(1), `${hex}00`]) {
    expect(gatewayOptions.safeParse(user({ certificateFingerprints: [wrong] })).success).toBe(false);
  }
});

test('the smallest configuration gets the safe defaults', () => {
  expect(gatewayOptions.parse(smallest)).toEqual({
    listen: [{ host: '127.0.0.1', port: 2121, tls: 'explicit' }],
    tls: {
      certificateFile: 'server.crt',
      keyFile: 'server.key',
      certificates: [],
      minVersion: 'TLSv1.2',
      clientCertificate: 'off',
      ocsp: 'off',
      reloadIntervalMs: 60_000,
      profile: 'intermediate',
      inventoryDays: 400,
    },
    hosts: [],
    tlsControlRequired: true,
    tlsDataRequired: true,
    sessionReuse: 'required',
    closeNotify: 'required',
    modeZ: false,
    symlinks: false,
    audit: { requirement: 'required', checkpointMs: 1_000, witnesses: [] },
    passive: { portMin: 50_000, portMax: 50_999, addresses: [], foreignAddresses: [] },
    active: { enabled: true, foreignAddresses: [], privilegedPorts: false },
    buffers: { receiveBytes: 1_048_576, sendBytes: 1_048_576 },
    tcpNoDelay: true,
    listingTimes: 'utc',
    users: [],
    workers: 1,
    authentication: [{ type: 'users', timeoutMs: 15_000, totp: 'optional', passwordCacheMs: 600_000 }],
    classes: [],
    directories: [],
    accessFile: '.ftpaccess',
    gates: [],
    compliance: [],
    deliveries: [],
    limits: DEFAULT_LIMITS,
    storage: { fileMode: '0640', directoryMode: '0750', sync: true, workersMax: 64, workerIdleMs: 30_000 },
    log: { level: 'info', format: 'auto' },
    banner: 'Sallyport ready.',
  });
});

test('checked options pass the check again unchanged', () => {
  const options = gatewayOptions.parse({
    ...smallest,
    tls: { certificate: 'a', key: 'b' },
    passive: { portMin: 0, portMax: 0, address: '192.0.2.1' },
    users: [{ ...user('a'), directories: [{ path: '/in', permissions: 'elw' }] }],
    usersFile: 'users.yaml',
    authentication: [
      { type: 'users', totp: 'required' },
      { type: 'unix', account: { home: '/srv/{user}' } },
      { type: 'unix', account: 'users' },
      { type: 'anonymous', account: { home: '/srv/pub' } },
    ],
    hosts: [host('Ftp.Example.COM', { banner: 'Hello.', users: ['a'] })],
    banner: 'Grüß Gott.',
  });
  expect(gatewayOptions.parse(options)).toEqual(options);
  expect(options.hosts[0]?.name).toBe('ftp.example.com');
});

test('any number of listeners may ask for any free port', () => {
  expect(gatewayOptions.safeParse({ ...smallest, listen: [{ port: 0 }, { port: 0, tls: 'implicit' }] }).success).toBe(
    true,
  );
});

test.each([
  ['0640', 0o640],
  ['640', 0o640],
  ['0777', 0o777],
])('%s is octal', (text, bits) => {
  expect(modeBits(text)).toBe(bits);
});
