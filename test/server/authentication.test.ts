/** The chain of authentication over real sockets: order, accept, refuse and decline, second factors, and their files. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { addUser, setTotpSecret } from '../../src/config/users-file.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';
import { logIn, replyTo } from '../fixtures/log-in.ts';
import { TOTP_SECRET, totpCode } from '../fixtures/totp.ts';

const REFUSED = '530 Login incorrect.';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-chain-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway whose chain is the accounts, then a door without a lock for those names: what gets there is seen. */
async function chain(open: string[], first: object = {}) {
  const home = await temporaryFolder();
  return startGateway({
    authentication: [
      { type: 'users', ...first },
      { type: 'anonymous', users: open, account: { home } },
    ],
  });
}

describe('the chain', () => {
  test.each([
    ['who is accepted by the first entry gets in', ['ftp'], {}, 'partner', PASSWORD, '230'],
    ['who is refused by it is refused, although the next one would accept', ['partner'], {}, 'partner', 'wrong', '530'],
    ['whom it does not know is left to the next one', ['ftp'], {}, 'ftp', 'guest@example.com', '230'],
    ['about whom it is not asked is left to the next one', ['partner'], { users: ['other'] }, 'partner', 'x', '230'],
    ['whom nobody knows is refused', ['ftp'], {}, 'mallory', PASSWORD, '530'],
  ])('%s', async (_, open, first, user, password, code) => {
    const gateway = await chain(open, first);
    expect((await replyTo(gateway, user, password)).slice(0, 3)).toBe(code);
  });

  test('is asked in the order in which it is written, behind what a program brings', async () => {
    const home = await temporaryFolder();
    const gateway = await startGateway({
      authentication: [{ type: 'anonymous', users: ['partner'], account: { home } }, { type: 'users' }],
    });
    expect(await replyTo(gateway, 'partner', 'anything')).toMatch(/^230/);
    expect(gateway.log.of('login.anonymous')).toHaveLength(1);
  });

  test('gives every refusal the same words, and the log the reason', async () => {
    const gateway = await chain(['ftp']);
    expect(await replyTo(gateway, 'partner', 'wrong')).toBe(REFUSED);
    expect(await replyTo(gateway, 'mallory', 'wrong')).toBe(REFUSED);
    const text = JSON.stringify(gateway.log.entries);
    expect(text).toContain('users: wrong password');
    expect(text).toContain('no authenticator knows this user');
    expect(text).not.toContain(PASSWORD);
  });
});

describe('anonymous logins', () => {
  test('are refused until they are written down', async () => {
    expect(await replyTo(await startGateway(), 'anonymous', 'guest@example.com')).toBe(REFUSED);
  });

  test('need TLS as everybody does', async () => {
    const gateway = await chain(['anonymous']);
    const { RawClient } = await import('../fixtures/ftp-client.ts');
    const client = await RawClient.connect(gateway);
    expect(await client.send('USER anonymous')).toMatch(/^530/);
    client.close();
  });

  test('may look and fetch, and change nothing', async () => {
    const home = await temporaryFolder();
    await writeFile(join(home, 'readme.txt'), 'hello');
    const gateway = await startGateway({ authentication: [{ type: 'anonymous', account: { home } }] });
    const { client, reply } = await logIn(gateway, 'ANONYMOUS', 'guest@example.com');
    expect(reply).toMatch(/^230/);
    for (const line of ['PBSZ 0', 'PROT P', 'TYPE I']) await client.send(line);
    expect((await client.download('RETR readme.txt')).data.toString()).toBe('hello');
    for (const line of ['DELE readme.txt', 'MKD x', 'RNFR readme.txt']) expect(await client.send(line)).toMatch(/^550/);
    expect(await client.upload('STOR new.txt', 'x')).toMatch(/^550/);
    client.close();
    expect(gateway.log.of('login.anonymous')).toMatchObject([{ user: 'anonymous', said: 'guest@example.com' }]);
  });
});

describe('hashes that were brought along', () => {
  test.each([
    ['bcrypt', 'abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['SHA-256', 'Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['scrypt', 'password', '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E'],
  ])('%s logs in', async (_, password, passwordHash) => {
    const gateway = await startGateway({}, { passwordHash });
    expect(await replyTo(gateway, 'partner', `${password}.`)).toBe(REFUSED);
    expect(await replyTo(gateway, 'partner', password)).toMatch(/^230/);
  });

  test('do not hold up other sessions while they are computed', async () => {
    // About a second of one processor.
    const passwordHash = '$2a$13$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i';
    const gateway = await startGateway({}, { passwordHash });
    const login = replyTo(gateway, 'partner', 'wrong');
    let done = false;
    void login.finally(() => {
      done = true;
    });
    const { RawClient } = await import('../fixtures/ftp-client.ts');
    const client = await RawClient.connect(gateway);
    let answers = 0;
    while (!done) {
      await client.send('NOOP');
      answers += 1;
    }
    expect(await login).toBe(REFUSED);
    expect(answers).toBeGreaterThan(5);
    client.close();
  });
});

const nowSeconds = () => Math.floor(Date.now() / 1_000);

describe('a second factor', () => {
  test.each([
    ['no code', ''],
    ['a wrong code', totpCode(0)],
    ['the code of an hour ago', totpCode(nowSeconds() - 3_600)],
  ])('with %s behind the right password is refused in the words of a wrong password', async (_, code) => {
    const gateway = await startGateway({}, { totpSecret: TOTP_SECRET });
    expect(await replyTo(gateway, 'partner', `${PASSWORD}${code}`)).toBe(REFUSED);
    expect(await replyTo(gateway, 'partner', `wrong${totpCode(nowSeconds())}`)).toBe(REFUSED);
  });

  test('lets in once, and a second session with the same code not', async () => {
    const gateway = await startGateway({}, { totpSecret: TOTP_SECRET });
    const sent = `${PASSWORD}${totpCode(nowSeconds())}`;
    expect(await replyTo(gateway, 'partner', sent)).toMatch(/^230/);
    expect(await replyTo(gateway, 'partner', sent)).toBe(REFUSED);
    expect(JSON.stringify(gateway.log.entries)).toContain('the code was used before');
    expect(JSON.stringify(gateway.log.entries)).not.toContain(TOTP_SECRET);
  });

  needs('oathtool')('takes the code of another program', async () => {
    const gateway = await startGateway({}, { totpSecret: TOTP_SECRET });
    const code = execFileSync('oathtool', ['--totp', '--base32', TOTP_SECRET], { encoding: 'utf8' }).trim();
    expect(await replyTo(gateway, 'partner', `${PASSWORD}${code}`)).toMatch(/^230/);
  });

  test('that is required shuts out who has none', async () => {
    const gateway = await startGateway({ authentication: [{ type: 'users', totp: 'required' }] });
    expect(await replyTo(gateway, 'partner', PASSWORD)).toBe(REFUSED);
    expect(await replyTo(gateway, 'partner', `${PASSWORD}123456`)).toBe(REFUSED);
  });

  test('that is off is not looked at', async () => {
    const authentication = [{ type: 'users' as const, totp: 'off' as const }];
    const gateway = await startGateway({ authentication }, { totpSecret: TOTP_SECRET });
    expect(await replyTo(gateway, 'partner', PASSWORD)).toMatch(/^230/);
  });

  test('that is given to an account counts from the next login on', async () => {
    const folder = await temporaryFolder();
    const usersFile = join(folder, 'users.yaml');
    await addUser(usersFile, { name: 'alice', passwordHash: await hashPassword(new Secret(PASSWORD)), home: folder });
    const gateway = await startGateway({ usersFile });
    expect(await replyTo(gateway, 'alice', PASSWORD)).toMatch(/^230/);
    await setTotpSecret(usersFile, 'alice', TOTP_SECRET);
    expect(await replyTo(gateway, 'alice', PASSWORD)).toBe(REFUSED);
    expect(await replyTo(gateway, 'alice', `${PASSWORD}${totpCode(nowSeconds())}`)).toMatch(/^230/);
  });

  test('stays as it was when its file becomes wrong', async () => {
    const folder = await temporaryFolder();
    const totpSecretsFile = join(folder, 'totp.yaml');
    const text = `secrets:\n  - name: partner\n    secret: ${TOTP_SECRET}\n`;
    await writeFile(totpSecretsFile, text, { mode: 0o600 });
    const gateway = await startGateway({ authentication: [{ type: 'users', totpSecretsFile }] });
    await writeFile(totpSecretsFile, 'secrets: []\n');
    await chmod(totpSecretsFile, 0o644);
    expect(await replyTo(gateway, 'partner', PASSWORD)).toBe(REFUSED);
    expect(gateway.log.of('totp_secrets.refused')).toHaveLength(1);
    await rm(totpSecretsFile);
    expect(await replyTo(gateway, 'partner', PASSWORD)).toBe(REFUSED);
  });
});

describe('a file with hashes or secrets that others may read', () => {
  async function started(mode: number, which: 'users' | 'secrets'): Promise<string> {
    const folder = await temporaryFolder();
    const { cert, key } = await testCertificates();
    const file = join(folder, 'file.yaml');
    await writeFile(file, `${which}: []\n`);
    await chmod(file, mode);
    const gateway = createGateway({
      listen: [{ port: 0 }],
      tls: { certificate: cert, key },
      ...(which === 'users'
        ? { usersFile: file }
        : { authentication: [{ type: 'users' as const, totpSecretsFile: file }] }),
    });
    const outcome = await gateway.start().catch((error: unknown) => String(error));
    await gateway.close();
    return outcome ?? 'started';
  }

  test.each(['users', 'secrets'] as const)('%s: the gateway does not start', async (which) => {
    for (const mode of [0o644, 0o604, 0o602, 0o601, 0o660]) {
      expect(await started(mode, which), mode.toString(8)).toContain(`mode 0${mode.toString(8)}`);
    }
  });

  test.each(['users', 'secrets'] as const)('%s: its owner, and its group to read, are fine', async (which) => {
    for (const mode of [0o600, 0o400, 0o640, 0o440]) expect(await started(mode, which)).toBe('started');
  });
});

describe('how long a refusal takes', () => {
  test('tells nothing of its reason: a name that nobody knows and a disabled account as long as a wrong password', async () => {
    const gateway = await startGateway({ limits: { loginRefusalMs: 600 } }, { enabled: false });
    for (const user of ['partner', 'mallory']) {
      const startMs = performance.now();
      expect(await replyTo(gateway, user, 'wrong')).toBe(REFUSED);
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(600);
    }
  });
});
