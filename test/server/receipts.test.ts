/** Receipts over real sockets: an upload, its receipt by every way there is, and the verdict of the command line. */
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signerOf } from '../../src/audit/notes/log-key.ts';
import type { GatewayParts } from '../../src/server/gateway-parts.ts';
import { defineGate, type GateVerdict } from '../../src/spi/gate.ts';
import { run } from '../cli/fake-terminal.ts';
import { AGE_IS_HERE, ageDecrypt, ageKey } from '../fixtures/age.ts';
import { needs, run as runClient } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';
import { bytesOf, temporaryFolder } from '../fixtures/local-files.ts';
import { logIn } from '../fixtures/log-in.ts';
import { withBasicFtp } from '../interop/clients/basic-ftp.ts';
import { curl, curlOptions, curlUrl } from '../interop/clients/curl.ts';
import { PLAIN_WAY } from '../interop/ways.ts';

type Options = NonNullable<Parameters<typeof startGateway>[0]>;

interface Receiving extends TestGateway {
  readonly state: string;
  /** A file with the public key of its log. */
  readonly keyFile: string;
}

/** A gateway with a log of its own, and an account that may only store. */
async function receiving(options: Options = {}, user: TestUser = {}, parts: GatewayParts = {}): Promise<Receiving> {
  const state = join(await temporaryFolder(), 'state');
  mkdirSync(state, { mode: 0o700 });
  const gateway = await startGateway({ stateDirectory: state, ...options }, { permissions: 'ew', ...user }, parts);
  mkdirSync(join(gateway.home, 'in'), { recursive: true });
  const keyFile = join(state, 'key.pem');
  const key = createPublicKey(createPrivateKey(readFileSync(join(state, 'audit.key'))));
  writeFileSync(keyFile, key.export({ type: 'spki', format: 'pem' }));
  return { ...gateway, state, keyFile };
}

async function loggedIn(gateway: TestGateway): Promise<RawClient> {
  const client = await RawClient.login(gateway);
  onTestFinished(() => client.close());
  return client;
}

/** What the command line says of content and receipt. */
async function verify({ keyFile }: Receiving, content: Buffer | string, receipt: string | Buffer) {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'file'), content);
  writeFileSync(join(folder, 'receipt'), receipt);
  return run(['receipt', 'verify', join(folder, 'file'), join(folder, 'receipt'), '--key', keyFile, '--json']);
}

/** The receipt that is in a reply, as the page says. */
function receiptIn(reply: string): string {
  const lines = reply.trimEnd().split(/\r?\n/).slice(1, -1);
  return lines.map((line) => `${line.slice(1)}\n`).join('');
}

describe('refusals', () => {
  test('nothing can be changed in /.receipts, whatever the account may', async () => {
    const gateway = await receiving({}, { permissions: 'elradfmwMT' });
    const client = await loggedIn(gateway);
    await client.upload('STOR in/a', 'content');
    const [name = ''] = readdirSync(join(gateway.state, 'receipts', 'partner', 'in'));
    const file = `/.receipts/in/${name}`;
    for (const line of [
      ...[
        `DELE ${file}`,
        'RMD /.receipts',
        'RMD /.receipts/in',
        'RMDA /.receipts',
        'MKD /.receipts/new',
        `MFMT 20200101000000 ${file}`,
      ],
      ...[
        `SITE CHMOD 777 ${file}`,
        `SITE COPY /in/a /.receipts/b`,
        `COMB "/.receipts/c" "/in/a"`,
        `COMB "/in/a" "${file}"`,
      ],
    ]) {
      expect(await client.send(line), line).toMatch(/^(550|501|504)/);
    }
    expect(await client.send(`RNFR ${file}`)).toMatch(/^350/);
    expect(await client.send('RNTO /mine')).toMatch(/^550/);
    expect(await client.send('RNFR /in')).toMatch(/^350/);
    expect(await client.send('RNTO /.receipts')).toMatch(/^550/);
    for (const verb of ['STOR', 'APPE']) expect(await client.upload(`${verb} ${file}`, 'x')).toMatch(/^550/);
    expect(readdirSync(join(gateway.state, 'receipts', 'partner', 'in'))).toEqual([name]);
    expect(readdirSync(gateway.home)).toEqual(['in']);
  });

  test("there is none of another account, nor of anybody's for a stranger", async () => {
    const gateway = await receiving();
    const client = await loggedIn(gateway);
    expect(await client.send('SITE RECEIPT in/a')).toMatch(/^550/);
    await client.upload('STOR in/a', 'content');
    expect(await client.send('SITE RECEIPT in/a')).toMatch(/^211/);
    expect(await client.send('SITE RECEIPT in')).toMatch(/^550/);
    expect(await client.send('SITE RECEIPT')).toMatch(/^501/);
    const stranger = (await logIn(gateway, 'nobody', 'wrong')).client;
    onTestFinished(() => stranger.close());
    expect(await stranger.send('SITE RECEIPT in/a')).toMatch(/^530/);
  });

  test('those of a drop are for the operator alone', async () => {
    const gateway = await receiving({ directories: [{ path: '/in', intake: { profile: 'drop' } }] });
    const client = await loggedIn(gateway);
    expect(await client.upload('STOR /in/a.txt', 'of another')).not.toContain('Receipt:');
    expect(await client.send('SITE RECEIPT /in/a.txt')).toMatch(/^550/);
    expect(await client.send('CWD /.receipts/in')).toMatch(/^550/);
    const shelf = join(gateway.state, 'receipts', '.operator', 'partner', 'in');
    const [name = ''] = readdirSync(shelf);
    expect(readFileSync(join(shelf, name), 'utf8')).toContain('c2sp.org/tlog-proof@v1');
  });

  test('without a state directory there are none, and /.receipts is a name like any other', async () => {
    const gateway = await startGateway();
    const client = await loggedIn(gateway);
    await client.upload('STOR a', 'content');
    expect(await client.send('SITE RECEIPT a')).toMatch(/^550/);
    expect(await client.send('CWD /.receipts')).toMatch(/^550/);
  });
});

describe('an account that may only store', () => {
  test('gets its receipt by command, as a file, and by the path that it is told', async () => {
    const gateway = await receiving();
    const client = await loggedIn(gateway);
    const content = bytesOf(200_000);
    const stored = await client.upload('STOR in/été.bin', content);
    const told = /^226 Receipt: (.+)$/m.exec(stored.replaceAll('\r', ''))?.[1] ?? '';
    expect(told).toMatch(/^\/\.receipts\/in\/été\.bin\.\d+\.receipt$/);

    const byCommand = receiptIn(await client.send('SITE RECEIPT in/été.bin'));
    const { reply, data } = await client.download(`RETR ${told}`);
    expect(reply).toMatch(/226/);
    expect(data.toString('utf8')).toBe(byCommand);
    expect(await client.send(`SIZE ${told}`)).toBe(`213 ${data.length}`);
    expect(await client.send(`MDTM ${told}`)).toMatch(/^213 \d{14}/);
    expect(await client.send(`HASH ${told}`)).toMatch(/^213 SHA-256 0-\d+ [0-9a-f]{64} /);

    const { exitCode, output, errors } = await verify(gateway, content, data);
    expect([exitCode, errors]).toEqual([0, '']);
    expect(JSON.parse(output).record).toMatchObject({
      event: 'upload.published',
      who: { account: 'partner' },
      origin: { address: '127.0.0.1' },
      object: { path: '/in/été.bin', bytes: 200_000, verb: 'STOR', end: 'authenticated', data_tls: { resumed: true } },
    });
    expect((await verify(gateway, bytesOf(199_999), data)).exitCode).toBe(1);
  });

  test('lists its receipts, and is told that they can be read alone', async () => {
    const gateway = await receiving();
    const client = await loggedIn(gateway);
    await client.upload('STOR in/a', 'content');
    expect((await client.download('LIST /')).reply).toMatch(/550/);
    expect(await client.send('CWD /.receipts/in')).toMatch(/^250/);
    const names = (await client.download('NLST')).data.toString('utf8').trim();
    expect(names).toMatch(/^a\.\d+\.receipt$/);
    expect((await client.download('LIST')).data.toString('utf8')).toMatch(/^-r-------- .* a\.\d+\.receipt\r\n$/);
    const lines = (await client.download('MLSD')).data.toString('utf8').trim().split('\r\n');
    expect(lines.map((line) => /type=(\w+);.*perm=(\w*);/.exec(line)?.slice(1))).toEqual([
      ['cdir', 'el'],
      ['file', 'r'],
    ]);
    expect(await client.send('MLST /.receipts')).toContain('perm=el;');
  });

  test('does not see /.receipts in a listing, nor what has its name on the disk', async () => {
    const gateway = await receiving({}, { permissions: 'elw' });
    mkdirSync(join(gateway.home, '.receipts'));
    writeFileSync(join(gateway.home, '.receipts', 'forged.1.receipt'), 'forged');
    const client = await loggedIn(gateway);
    const names = (await client.download('NLST')).data.toString('utf8').trim().split('\r\n').sort();
    expect(names).toEqual(['in']);
    expect((await client.download('NLST .receipts')).data.length).toBe(0);
    expect((await client.download('RETR .receipts/forged.1.receipt')).reply).toMatch(/550/);
  });

  test('gets the newest one of several', async () => {
    const gateway = await receiving();
    const client = await loggedIn(gateway);
    for (const content of ['first', 'second', 'third']) await client.upload('STOR in/a', content);
    const receipt = receiptIn(await client.send('SITE RECEIPT /in/a'));
    expect((await verify(gateway, 'third', receipt)).exitCode).toBe(0);
    expect((await verify(gateway, 'first', receipt)).exitCode).toBe(1);
    expect((await client.download('NLST /.receipts/in')).data.toString('utf8').trim().split('\r\n')).toHaveLength(3);
  });
});

describe('in the reply to the upload', () => {
  const replying = (receiptInReply: 'path' | 'text' | 'no', user: TestUser = {}) =>
    receiving({ directories: [{ path: '/in', intake: { receiptInReply } }] }, user);

  test('there is nothing of it where the operator says no', async () => {
    const client = await loggedIn(await replying('no'));
    expect(await client.upload('STOR in/a', 'content')).toMatch(/226 Stored 7 bytes, SHA-256 [0-9a-f]{64}\.\r?\n?$/);
    expect(await client.send('SITE RECEIPT in/a')).toMatch(/^211/);
  });

  test("those of a drop stay the operator's, whatever the reply is to have", async () => {
    const intake = { profile: 'drop', receiptInReply: 'text' } as const;
    const client = await loggedIn(await receiving({ directories: [{ path: '/in', intake }] }));
    expect(await client.upload('STOR in/a', 'content')).not.toMatch(/Receipt|tlog/);
  });

  test.each(['STOR in/a', 'STOU in/a'])('%s is answered with the whole of it', async (line) => {
    const gateway = await replying('text');
    const client = await loggedIn(gateway);
    const [reply = ''] = /226-Stored.*$/s.exec(await client.upload(line, 'content')) ?? [];
    const receipt = receiptIn(reply);
    const told = /^226 Receipt: (.+)$/m.exec(reply.replaceAll('\r', ''))?.[1] ?? '';
    expect((await client.download(`RETR ${told}`)).data.toString('utf8')).toBe(receipt);
    expect((await verify(gateway, 'content', receipt)).exitCode).toBe(0);
    expect((await verify(gateway, 'other', receipt)).exitCode).toBe(1);
  });
});

test('while gates look at the file behind the reply it is 450, and the receipt follows', async () => {
  const { promise, resolve } = Promise.withResolvers<GateVerdict>();
  const gate = defineGate({ name: 'slow', deadlineMs: 60_000, inspect: () => promise });
  const intake = { gates: ['slow'], verdict: 'async' as const };
  const gateway = await receiving({ directories: [{ path: '/in', intake }] }, {}, { gates: [gate] });
  const client = await loggedIn(gateway);
  expect(await client.upload('STOR in/a', 'content')).toContain('226 Accepted for checking');
  expect(await client.send('SITE RECEIPT in/a')).toMatch(/^450 The file is being checked; ask again\./);
  expect(await client.send('SITE RECEIPT in/b')).toMatch(/^550/);
  resolve({ verdict: 'pass', detail: 'clean' });
  await expect.poll(() => client.send('SITE RECEIPT in/a'), { timeout: 30_000 }).toMatch(/^211/);
  const { exitCode, output } = await verify(gateway, 'content', receiptIn(await client.send('SITE RECEIPT in/a')));
  expect(exitCode).toBe(0);
  expect(JSON.parse(output).record.object.gates).toMatchObject([{ gate: 'slow', verdict: 'pass', detail: 'clean' }]);
});

test('receipts that were lost are there again behind the next start, and prove the same', async () => {
  const gateway = await receiving();
  const client = await loggedIn(gateway);
  await client.upload('STOR in/a', 'content');
  client.close();
  await gateway.gateway.close();
  rmSync(join(gateway.state, 'receipts'), { recursive: true });
  await gateway.gateway.start();
  const again = await loggedIn({ ...gateway, port: gateway.gateway.addresses[0]?.port ?? 0 });
  expect((await verify(gateway, 'content', receiptIn(await again.send('SITE RECEIPT in/a')))).exitCode).toBe(0);
});

describe('clients', () => {
  const withCurl = needs('curl');
  withCurl('curl fetches the receipt of what it sent', async () => {
    const gateway = await receiving();
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'sent'), bytesOf(100_000));
    const options = curlOptions(gateway, PLAIN_WAY);
    const { stderr } = await curl([
      ...options,
      '--verbose',
      '--upload-file',
      join(folder, 'sent'),
      curlUrl(gateway, 'in/a b'),
    ]);
    const told = /^< 226 Receipt: \/(.+?)\r?$/m.exec(stderr)?.[1] ?? '';
    await curl([...options, '--output', join(folder, 'receipt'), curlUrl(gateway, told)]);
    const receipt = readFileSync(join(folder, 'receipt'));
    expect((await verify(gateway, bytesOf(100_000), receipt)).exitCode).toBe(0);
    const asked = await curl([
      ...options,
      '--verbose',
      '--list-only',
      '--quote',
      'SITE RECEIPT /in/a b',
      curlUrl(gateway, '.receipts/'),
    ]);
    const lines = [...asked.stderr.matchAll(/^< {2}?(.*?)\r?$/gm)].map(([, line = '']) => line);
    expect(lines.some((line) => line.includes('c2sp.org/tlog-proof@v1'))).toBe(true);
  });

  test('basic-ftp fetches it by every way', async () => {
    const gateway = await receiving();
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'sent'), 'content');
    await withBasicFtp(gateway, PLAIN_WAY, async (client) => {
      const stored = await client.uploadFrom(join(folder, 'sent'), '/in/a');
      const told = /Receipt: (\S+)/.exec(stored.message)?.[1] ?? '';
      await client.downloadTo(join(folder, 'receipt'), told);
      const names = (await client.list('/.receipts/in')).map(({ name }) => `/.receipts/in/${name}`);
      expect(names).toEqual([told]);
      const receipt = readFileSync(join(folder, 'receipt'), 'utf8');
      expect((await verify(gateway, 'content', receipt)).exitCode).toBe(0);
      // It drops empty lines, and the page says where they were.
      const { message } = await client.send('SITE RECEIPT /in/a');
      const [origin = ''] = /^(.+)\n\d+\n[A-Za-z0-9+/]{43}=\n\n— /m.exec(receipt)?.slice(1) ?? [];
      const lines = receiptIn(message).split('\n');
      const dashAt = lines.findIndex((line) => line.startsWith('— '));
      const whole = lines.flatMap((line, index) =>
        line === 'c2sp.org/tlog-proof@v1' || line === origin || index === dashAt ? ['', line] : [line],
      );
      expect(whole.join('\n')).toBe(receipt);
    });
  });

  const withPython = needs('python3');
  withPython("Python's ftplib gets it as docs/receipts.md says", async () => {
    const gateway = await receiving();
    const client = await loggedIn(gateway);
    await client.upload('STOR in/invoice.edi', 'content');
    const page = readFileSync(new URL('../../docs/receipts.md', import.meta.url), 'utf8');
    const [, block = ''] = /^```python\n(import ftplib.*?)^```$/ms.exec(page) ?? [];
    const code = block
      .replace('"ftps.example.com", 21', `"${gateway.host}", ${gateway.port}`)
      .replace('"partner", "secret"', `"${gateway.user}", "${gateway.password}"`);
    const folder = await temporaryFolder();
    const env = { SSL_CERT_FILE: gateway.certificates.files.caCert };
    const { code: status, stderr } = await runClient('python3', ['-c', code], { cwd: folder, env, timeoutMs: 60_000 });
    expect([status, stderr]).toEqual([0, '']);
    const receipt = readFileSync(join(folder, 'invoice.edi.receipt'));
    expect((await verify(gateway, 'content', receipt)).exitCode).toBe(0);
    const verifier = /^```python\n(import base64.*?)^```$/ms.exec(page)?.[1] ?? '';
    const [shell = ''] = /(?<=^```sh\n).*?(?=^```$)/ms.exec(page) ?? [];
    writeFileSync(join(folder, 'verify.py'), verifier);
    writeFileSync(join(folder, 'invoice.edi'), 'content');
    const key = createPrivateKey(readFileSync(join(gateway.state, 'audit.key')));
    const { origin } = JSON.parse((await verify(gateway, 'content', receipt)).output);
    writeFileSync(join(folder, 'gateway.vkey'), signerOf(key, origin).vkey);
    const followed = spawnSync('sh', ['-c', shell], { cwd: folder, encoding: 'utf8' });
    expect([followed.status, followed.stderr]).toEqual([0, '']);
    expect(followed.stdout).toContain('Signature Verified Successfully');
  });
});

describe.runIf(AGE_IS_HERE || process.env.CI === 'true')('with encrypt_to', () => {
  test('the receipt is for what was sent, the disk has what only the owner can read', async () => {
    const key = ageKey();
    const gateway = await receiving(
      { directories: [{ path: '/in', intake: { encryptTo: [key.recipient] } }] },
      { permissions: 'elraw' },
    );
    const client = await loggedIn(gateway);
    const content = Buffer.alloc(300_000, 'account number 12345678');
    expect(await client.upload('STOR in/a', content)).toContain('Stored 300000 bytes');
    const stored = readFileSync(join(gateway.home, 'in', 'a'));
    expect(stored.includes('account number')).toBe(false);
    expect(ageDecrypt(stored, key).equals(content)).toBe(true);
    const { exitCode, output } = await verify(gateway, content, receiptIn(await client.send('SITE RECEIPT in/a')));
    expect(exitCode).toBe(0);
    expect(JSON.parse(output).record.object).toMatchObject({
      ...{ bytes: 300_000, encrypted_to: [key.recipient], stored_bytes: stored.length },
    });
    expect(await client.send('SIZE in/a')).toBe(`213 ${stored.length}`);
    for (const before of ['REST 100', 'RANG 1 5']) {
      expect(await client.send(before)).toMatch(/^350/);
      expect(await client.upload('STOR in/a', 'xxxxx')).toMatch(/554/);
    }
    await client.send('RANG 1 0');
    expect(await client.upload('APPE in/a', 'more')).toMatch(/554/);
    expect(readFileSync(join(gateway.home, 'in', 'a')).equals(stored)).toBe(true);
    expect(readdirSync(join(gateway.home, 'in'))).toEqual(['a']);
    const appended = await client.upload('APPE in/new', content);
    expect(appended).toContain('Stored 300000 bytes');
    const whole = readFileSync(join(gateway.home, 'in', 'new'));
    expect(ageDecrypt(whole, key).equals(content)).toBe(true);
    expect(await client.upload('APPE in/new', 'more')).toMatch(/554/);
    expect(readFileSync(join(gateway.home, 'in', 'new')).equals(whole)).toBe(true);
  });

  test('a receipt in the reply is for what was sent as well', async () => {
    const intake = { encryptTo: [ageKey().recipient], receiptInReply: 'text' as const };
    const gateway = await receiving({ directories: [{ path: '/in', intake }] });
    const client = await loggedIn(gateway);
    const [reply = ''] = /226-Stored.*$/s.exec(await client.upload('STOR in/a', 'content')) ?? [];
    expect((await verify(gateway, 'content', receiptIn(reply))).exitCode).toBe(0);
  });
});
