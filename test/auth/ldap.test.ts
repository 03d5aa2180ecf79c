import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ldapProver } from '../../src/auth/ldap.ts';
import { ldapEntry } from '../../src/auth/ldap-options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Proof } from '../../src/spi/authenticator.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { PEOPLE, SEARCHER, SLAPD, startDirectory, type TestDirectory } from '../fixtures/directory.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

const NEVER = new AbortController().signal;

/** Options as they are written down, without the type. */
type Written = Omit<Parameters<typeof ldapEntry.parse>[0] & object, 'type'>;

function options(written: Written) {
  return ldapEntry.parse({ type: 'ldap', ...written });
}

/** What a directory says of a name and password, and what was logged. */
async function prove(written: Written, user: string, password: string | undefined) {
  const log = new RecordingLog();
  const prover = ldapProver(options(written), { clock: systemClock, log });
  const secret = password === undefined ? undefined : new Secret(password);
  const credentials = { user, password: secret, address: '192.0.2.1', tls: undefined, host: undefined };
  const proof = await prover.prove(credentials, NEVER);
  return { proof, log };
}

const refused = (reason: RegExp | string): Proof => ({
  verdict: 'refused',
  reason: expect.stringMatching(reason) as unknown as string,
});
const accepted = (user: string, more: object = {}) => ({
  verdict: 'accepted',
  identity: { user, groups: [], ...more },
});

describe.skipIf(SLAPD === undefined && (process.env.CI ?? '') === '')('a directory (slapd)', () => {
  let directory: TestDirectory;
  let base: { url: string; caFile: string };
  let found: Written;
  beforeAll(async () => {
    directory = await startDirectory();
    base = { url: directory.ldaps, caFile: directory.caFile };
    found = {
      ...base,
      search: {
        base: 'dc=example',
        filter: '(uid={user})',
        bindDn: SEARCHER,
        passwordFile: directory.passwordFile,
      },
    };
  });
  const direct = (): Written => ({ ...base, bindDn: 'uid={user},ou=people,dc=example' });

  describe('bound directly', () => {
    test('a wrong password is refused', async () => {
      expect((await prove(direct(), 'alice', 'wrong')).proof).toEqual(refused('wrong name or password'));
    });

    test('an unknown user is refused too: the directory does not tell the two apart', async () => {
      expect((await prove(direct(), 'nobody', 'x')).proof).toEqual(refused('wrong name or password'));
    });

    test('an empty password is refused, although this server takes it for a bind of nobody', async () => {
      const { proof, log } = await prove(direct(), 'alice', '');
      expect(proof).toEqual(refused('empty password'));
      expect(log.entries).toEqual([]);
    });

    test('without a password it declines', async () => {
      expect((await prove(direct(), 'alice', undefined)).proof).toEqual({ verdict: 'declined' });
    });

    test('the right password proves the name', async () => {
      expect((await prove(direct(), 'alice', PEOPLE.alice)).proof).toEqual(accepted('alice'));
    });

    test('groups and home are read as the user itself', async () => {
      const more = { groups: { attribute: 'memberOf' }, home: 'homeDirectory' };
      const { proof } = await prove({ ...direct(), ...more }, 'alice', PEOPLE.alice);
      expect(proof).toEqual(accepted('alice', { groups: ['Sales, EU', 'uploads'], home: '/srv/ftp/alice' }));
    });
  });

  describe('searched, then bound', () => {
    test('an unknown user is declined', async () => {
      expect((await prove(found, 'nobody', 'x')).proof).toEqual({ verdict: 'declined' });
    });

    test('a wrong password is refused', async () => {
      expect((await prove(found, 'alice', PEOPLE.bob)).proof).toEqual(refused('wrong password'));
    });

    test('two entries of one name are nobody', async () => {
      expect((await prove(found, 'twin', PEOPLE.twin)).proof).toEqual(refused(/several entries match \(uid=twin\)/));
    });

    test.each([
      ['*'],
      ['alice)(uid=*'],
      ['al*'],
      ['alice)(|(uid=bob'],
      ['alice,ou=people'],
      ['alice\\2a'],
      ['\u017ftaff'],
      ['ALICE'],
      [' alice'],
      ['alice '],
      [''],
      ['EXTERNAL'],
    ])('the name %j reaches nobody', async (user) => {
      expect((await prove(found, user, PEOPLE.alice)).proof).toEqual({ verdict: 'declined' });
      expect((await prove(direct(), user, PEOPLE.alice)).proof).toEqual({ verdict: 'declined' });
    });

    test('an entry with every special character is found, bound and looked for in groups', async () => {
      const groups = { base: 'ou=groups,dc=example', filter: '(&(objectClass=groupOfNames)(member={dn}))' };
      expect((await prove({ ...found, groups }, 'bob', PEOPLE.bob)).proof).toEqual(
        accepted('bob', { groups: ['uploads'] }),
      );
    });

    test('groups are found by the account that searches', async () => {
      const groups = { base: 'ou=groups,dc=example', filter: '(member={dn})' };
      expect((await prove({ ...found, groups }, 'alice', PEOPLE.alice)).proof).toEqual(
        accepted('alice', { groups: ['Sales, EU', 'uploads'] }),
      );
    });

    test('with `name` the client must send exactly what stands there', async () => {
      const named = { ...found, name: 'uid' };
      expect((await prove(named, 'ALICE', PEOPLE.alice)).proof).toEqual(refused('is not how'));
      expect((await prove(named, 'alice', PEOPLE.alice)).proof).toEqual(accepted('alice'));
    });

    test('a home that is no absolute path is refused', async () => {
      const { proof } = await prove({ ...found, home: 'labeledURI' }, 'bob', PEOPLE.bob);
      expect(proof).toEqual(refused('not an absolute path'));
    });

    test('a group without a name of use is refused: it could be one that a rule shuts out', async () => {
      const groups = { attribute: 'memberOf', name: 'ou' };
      expect((await prove({ ...found, groups }, 'alice', PEOPLE.alice)).proof).toEqual(refused('has no name of use'));
    });

    test('the wrong password of the searching account refuses everybody and is logged', async () => {
      const wrong = `${directory.passwordFile}.wrong`;
      await writeFile(wrong, 'wrong', { mode: 0o600 });
      const { proof, log } = await prove(
        { ...found, search: { base: 'dc=example', filter: '(uid={user})', bindDn: SEARCHER, passwordFile: wrong } },
        'alice',
        PEOPLE.alice,
      );
      expect(proof).toEqual(refused('no directory server answered'));
      expect(String(log.of('ldap.failed')[0]?.error)).toContain('refuses the password of cn=gateway');
    });

    test('a password file that others can read is not used', async () => {
      const open = `${directory.passwordFile}.open`;
      await writeFile(open, 'searcher secret');
      await chmod(open, 0o644);
      const { log } = await prove(
        { ...found, search: { base: 'dc=example', filter: '(uid={user})', bindDn: SEARCHER, passwordFile: open } },
        'alice',
        PEOPLE.alice,
      );
      expect(String(log.of('ldap.failed')[0]?.error)).toContain('chmod 640');
    });

    test('no password stands in the log', async () => {
      const { log } = await prove({ ...found, caFile: (await testCertificates()).files.cert }, 'alice', PEOPLE.alice);
      expect(JSON.stringify(log.entries)).not.toContain('secret');
    });
  });

  describe('the way there', () => {
    test('STARTTLS goes over to TLS before anything is said', async () => {
      const { proof } = await prove(
        { ...found, url: directory.ldap.replace('127.0.0.1', 'localhost'), startTls: true },
        'alice',
        PEOPLE.alice,
      );
      expect(proof).toEqual(accepted('alice'));
    });

    test('in clear it serves on this machine', async () => {
      const { proof } = await prove({ ...found, url: directory.ldap }, 'alice', PEOPLE.alice);
      expect(proof).toEqual(accepted('alice'));
    });

    test('a certificate of another authority is refused', async () => {
      const { files } = await testCertificates();
      const { proof, log } = await prove({ ...found, caFile: files.clientCert }, 'alice', PEOPLE.alice);
      expect(proof).toEqual(refused('no directory server answered'));
      expect(log.of('ldap.failed')[0]?.error).toMatchObject({
        code: expect.stringMatching(/SELF_SIGNED|ISSUER|VERIFY/),
      });
    });

    test('a certificate for another name is refused', async () => {
      const port = new URL(directory.ldaps).port;
      const { proof, log } = await prove({ ...found, url: `ldaps://127.0.0.2:${port}` }, 'alice', PEOPLE.alice);
      expect(proof).toEqual(refused('no directory server answered'));
      expect(log.of('ldap.failed')).toHaveLength(1);
    });

    test('a server that is down refuses, and the next one is asked', async () => {
      const gone = 'ldaps://127.0.0.1:1';
      const alone = await prove({ ...found, url: gone }, 'alice', PEOPLE.alice);
      expect(alone.proof).toEqual(refused('no directory server answered'));
      expect(alone.log.of('ldap.failed')).toHaveLength(1);
      const both = await prove({ ...found, url: [gone, directory.ldaps] }, 'alice', PEOPLE.alice);
      expect(both.proof).toEqual(accepted('alice'));
      expect(both.log.of('ldap.failed')).toMatchObject([{ url: gone }]);
    });
  });
});

describe('a server that does not play by the rules', () => {
  const servers: { server: Server; sockets: Socket[] }[] = [];
  afterEach(() => {
    for (const { server, sockets } of servers.splice(0)) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  });

  async function serve(onSocket: (socket: Socket) => void): Promise<string> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      onSocket(socket);
    }).listen(0, '127.0.0.1');
    servers.push({ server, sockets });
    await once(server, 'listening');
    const address = server.address();
    return `ldap://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }
  const bindDn = 'uid={user},dc=example';

  test('silence ends in a refusal', async () => {
    const url = await serve(() => undefined);
    const { proof, log } = await prove({ url, bindDn, serverTimeoutMs: 100 }, 'alice', 'x');
    expect(proof).toEqual(refused('no directory server answered'));
    expect(String(log.of('ldap.failed')[0]?.error)).toContain('no answer within 100 ms');
  });

  test('silence at STARTTLS does as well', async () => {
    const url = await serve((socket) => socket.resume());
    const { proof } = await prove({ url, bindDn, startTls: true, serverTimeoutMs: 100 }, 'alice', 'x');
    expect(proof).toEqual(refused('no directory server answered'));
  });

  const YES = '300c02010178070a010004000400';
  test.each([
    ['refused', '300c02010178070a013504000400'],
    ['answered with a whole message more', `${YES}300c02010261070a010004000400`],
    ['answered with a part of a message more', `${YES}300c0201026107`],
    ['answered with no LDAP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex')],
    ['answered without end', 'ff'.repeat(2_000)],
  ])('STARTTLS that is %s ends the connection before the password is sent', async (_, answer) => {
    const heard: Buffer[] = [];
    const url = await serve((socket) =>
      socket.on('data', (chunk: Buffer) => {
        heard.push(chunk);
        socket.write(Buffer.from(answer, 'hex'));
      }),
    );
    const { proof, log } = await prove({ url, bindDn, startTls: true }, 'alice', 'p4ssw0rd');
    expect(proof).toEqual(refused('no directory server answered'));
    expect(String(log.of('ldap.failed')[0]?.error)).toMatch(/STARTTLS/);
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('p4ssw0rd');
  });

  test('a connection that is lost is not opened again', async () => {
    let count = 0;
    const url = await serve((socket) => {
      count += 1;
      socket.once('data', () => socket.destroy());
    });
    const { proof } = await prove({ url, bindDn, groups: { attribute: 'memberOf' } }, 'alice', 'x');
    expect(proof).toEqual(refused('no directory server answered'));
    expect(count).toBe(1);
  });

  test('a server that hangs up at once refuses', async () => {
    const url = await serve((socket) => void socket.end());
    const { proof } = await prove({ url, bindDn, serverTimeoutMs: 60_000 }, 'alice', 'x');
    expect(proof).toEqual(refused('no directory server answered'));
  });

  test('a server that talks without end is cut off', async () => {
    const url = await serve((socket) =>
      socket.once('data', () => {
        const more = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 0x30)));
        };
        socket.on('drain', more);
        more();
      }),
    );
    const { proof } = await prove({ url, bindDn }, 'alice', 'x');
    expect(proof).toEqual(refused('no directory server answered'));
  });
});

describe('what may be written down', () => {
  const bindDn = 'uid={user},dc=example';
  test.each([
    ['clear text to another machine', { url: 'ldap://directory.example', bindDn }],
    ['no way to find a user', { url: 'ldaps://directory.example' }],
    ['a bind without the user', { url: 'ldaps://directory.example', bindDn: 'cn=all,dc=example' }],
    ['a bind that could be the name of a SASL mechanism', { url: 'ldaps://directory.example', bindDn: '{user}' }],
    ['a URL with more than a host', { url: 'ldaps://directory.example/dc=example', bindDn }],
    ['a URL with a password', { url: 'ldaps://a:b@directory.example', bindDn }],
    ['another protocol', { url: 'https://directory.example', bindDn }],
    ['STARTTLS behind ldaps', { url: 'ldaps://directory.example', bindDn, startTls: true }],
    [
      'groups of an entry that is not known',
      { url: 'ldaps://d.example', bindDn: '{user}@d', groups: { attribute: 'memberOf' } },
    ],
    ['a filter without the user', { url: 'ldaps://d.example', search: { base: 'dc=x', filter: '(uid=a)' } }],
    [
      'a searching account without a password',
      { url: 'ldaps://d.example', search: { base: 'dc=x', filter: '(uid={user})', bindDn: 'cn=x' } },
    ],
    [
      'groups in two ways',
      { url: 'ldaps://d.example', bindDn, groups: { attribute: 'memberOf', base: 'dc=x', filter: '(member={dn})' } },
    ],
    ['the name dn for an attribute', { url: 'ldaps://d.example', bindDn, home: 'dn' }],
    ['a key that does not exist', { url: 'ldaps://d.example', bindDn, host: 'x' }],
  ])('%s may not', (_, written) => {
    expect(ldapEntry.safeParse({ type: 'ldap', ...written }).success).toBe(false);
  });

  test.each([
    ['ldaps', { url: 'ldaps://directory.example:1636', bindDn }],
    ['a list of servers', { url: ['ldaps://a.example', 'ldaps://[2001:db8::1]:636'], bindDn }],
    ['STARTTLS', { url: 'ldap://directory.example', startTls: true, bindDn }],
    ['clear text that was asked for loudly', { url: 'ldap://directory.example', passwordsInClear: true, bindDn }],
    ['clear text on this machine', { url: 'ldap://[::1]:389', bindDn }],
    [
      'Active Directory',
      {
        url: 'ldaps://dc.corp.example',
        bindDn: '{user}@corp.example',
        search: { base: 'dc=corp', filter: '(sAMAccountName={user})' },
      },
    ],
  ])('%s may, and passes the check again unchanged', (_, written) => {
    const value = ldapEntry.parse({ type: 'ldap', ...written });
    expect(ldapEntry.parse(value)).toEqual(value);
  });
});
