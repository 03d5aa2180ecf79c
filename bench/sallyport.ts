/** Sallyport as a contestant, with what a measure wants to be different from its defaults. */
import { spawnSync } from 'node:child_process';
import { argon2Sync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashPassword } from '../src/auth/password-hash.ts';
import { Secret } from '../src/lib/secret.ts';
import { packageVersion } from '../src/server/package-version.ts';
import { type Contestant, PASSWORD, USER } from './contestant.ts';
import { freePort } from './server-ports.ts';
import { startServer } from './server-process.ts';

/** How it is run. */
export interface OwnSettings {
  readonly name: string;
  readonly note: string;
  /** Lines of YAML at the top of its configuration. */
  readonly yaml: readonly string[];
  /** Whether what arrives and leaves is hashed as always, or not at all, which takes another program: `no-hashing.ts`. */
  readonly hashing: 'on' | 'off';
  /** The version of TLS in which small files are moved; 1.3 without it. */
  readonly smallFilesTls?: '1.2' | '1.3';
}

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const NO_HASHING = new URL('no-hashing.ts', import.meta.url).href;

/** No fsync and no audit log, as with the peers. Checks for whole uploads and resumed sessions stay as they are. */
export const EQUAL: readonly string[] = ['storage: { sync: false }', 'audit: { requirement: off }'];

/** What `sallyport check` says of one line at the top of a configuration; undefined when it does not mind it. */
export async function whyRefused(line: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-check-'));
  try {
    const config = join(folder, 'sallyport.yaml');
    await writeFile(config, `${line}\n`);
    const { stderr } = spawnSync(process.execPath, [MAIN, 'check', '--config', config], { encoding: 'utf8' });
    // Much is missing in it; what counts is what is said of this line.
    return stderr
      .split('\n')
      .find((said) => said.startsWith(`${config}:1:`) && said.includes(` ${line.split(':')[0]}: `))
      ?.slice(config.length + 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sallyport with these settings. */
export function sallyport({ name, note, yaml, hashing, smallFilesTls = '1.3' }: OwnSettings): Contestant {
  return {
    ...{ name, side: 'own', note },
    presence: () => ({ version: `${packageVersion()}, Node ${process.version}` }),
    async start({ folder, home, certFile, keyFile, passwords }) {
      const [port, metricsPort] = [await freePort(), await freePort()];
      const config = join(folder, 'sallyport.yaml');
      const hash = passwords === 'usual' ? await hashPassword(new Secret(PASSWORD)) : cheapHash();
      const lines = [
        `listen: [{ host: 127.0.0.1, port: ${port} }]`,
        `tls: { certificate_file: ${certFile}, key_file: ${keyFile} }`,
        `users: [{ name: ${USER}, password_hash: '${hash}', home: ${home}, permissions: elradfmwMT }]`,
        'limits: { connections_max: 20000, connections_per_address_max: 20000, connections_per_account_max: 20000, login_failures_per_address_max: 10000 }',
        'log: { level: error }',
        `metrics: { port: ${metricsPort} }`,
        ...yaml,
      ];
      await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 });
      const preload = hashing === 'on' ? [] : ['--import', NO_HASHING];
      const args = [...preload, MAIN, 'serve', '--config', config];
      const running = await startServer({ name, port, program: process.execPath, args });
      const manner = { ...running.manner, smallFilesTls };
      return { ...running, manner, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
    },
  };
}

/** Argon2id with the least that it can be told to take: tiny runs log in hundreds of times, and measure no logins. */
function cheapHash(): string {
  const [nonce, memory] = [Buffer.alloc(16, 'salt'), 8];
  const tag = argon2Sync('argon2id', { message: PASSWORD, nonce, parallelism: 1, tagLength: 32, memory, passes: 1 });
  const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memory},t=1,p=1$${unpadded(nonce)}$${unpadded(tag)}`;
}
