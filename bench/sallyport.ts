/** Sallyport as a contestant, with what a measure wants to be different from its defaults. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashPassword } from '../src/auth/password-hash.ts';
import { Secret } from '../src/lib/secret.ts';
import { packageVersion } from '../src/server/package-version.ts';
import { type Contestant, PASSWORD, USER } from './contestant.ts';
import { freePort, startServer } from './server-process.ts';

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

/** Sallyport with these settings. */
export function sallyport({ name, note, yaml, hashing, smallFilesTls = '1.3' }: OwnSettings): Contestant {
  return {
    ...{ name, side: 'own', note },
    presence: () => ({ version: `${packageVersion()}, Node ${process.version}` }),
    async start({ folder, home, certFile, keyFile }) {
      const [port, metricsPort] = [await freePort(), await freePort()];
      const config = join(folder, 'sallyport.yaml');
      const hash = await hashPassword(new Secret(PASSWORD));
      const lines = [
        `listen: [{ host: 127.0.0.1, port: ${port} }]`,
        `tls: { certificate_file: ${certFile}, key_file: ${keyFile} }`,
        `users: [{ name: ${USER}, password_hash: '${hash}', home: ${home}, permissions: elradfmwMT }]`,
        'limits: { connections_max: 20000, connections_per_address_max: 20000, connections_per_account_max: 20000 }',
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
