/** For each question of the report a configuration that passes it, and one that does not. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verdict } from '../../src/compliance/report.ts';
import { selfSigned } from '../config/temporary-folder.ts';
import { opensslPair } from '../fixtures/openssl-certificates.ts';
import { alterLog, type Case, writeInventory, writeLog } from './evaluate.ts';

/** Both sides of a question. */
export interface Sides {
  readonly passes: Case;
  readonly fails: Case;
  /** What the second one comes to, where no configuration can fail. */
  readonly otherwise?: Verdict;
}

/** The hash of a password that nobody knows. */
const ARGON2ID = '$argon2id$v=19$m=19456,t=2,p=1$CQuo7eIV8f+dSFqAQlr6jA$AAjeXFIsvsr0uttTgb+azCnL8auoolTCuqbGPU6/J7Q';
const SHA_CRYPT = `$6$saltsaltsaltsalt$${'a'.repeat(86)}`;
const AGE = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const CLAMD = { kind: 'clamd', name: 'clam', socket: '/run/clamd.sock' };

/** An account, with what is given besides. */
export function account(more: Readonly<Record<string, unknown>> = {}) {
  return { name: 'acme', home: 'home', permissions: 'elw', password_hash: ARGON2ID, ...more };
}

const users = (more: Readonly<Record<string, unknown>> = {}): Case => ({ config: { users: [account(more)] } });
const setting = (config: Readonly<Record<string, unknown>>): Case => ({ config });
const retainedDays = (days: number): Case => users({ intake: { retain_days: days } });

/** By the end of the items' ids. */
export const CASES: Readonly<Record<string, Sides>> = {
  'control-tls': { passes: {}, fails: setting({ tls_control_required: false }) },
  'data-tls': { passes: {}, fails: setting({ tls_data_required: false }) },
  'session-reuse': { passes: users(), fails: users({ session_reuse: 'preferred' }) },
  'close-notify': { passes: users(), fails: setting({ close_notify: 'off' }) },
  certificates: { passes: {}, fails: { prepare: (folder) => certificateFor(folder, 10) } },
  'key-kinds': {
    passes: { prepare: (folder) => certificateFor(folder, 60) },
    fails: {
      async prepare(folder) {
        const { certFile, keyFile } = await opensslPair(folder, 'server', { key: 'ed25519' });
        return { certificate_file: certFile, key_file: keyFile };
      },
    },
  },
  algorithms: { passes: { tls: { profile: 'nist-800-52r2' } }, fails: { tls: { profile: 'modern' } } },
  'fips-mode': {
    passes: { tls: { profile: 'fips' }, facts: { fipsAvailable: true } },
    fails: { tls: { profile: 'fips' }, facts: { fipsAvailable: false } },
  },
  'other-servers': {
    passes: setting({ gates: [{ kind: 'icap', name: 'scan', url: 'icaps://scan.example/avscan' }] }),
    fails: setting({ gates: [{ kind: 'clamd', name: 'clam', host: '192.0.2.7', clear_text_allowed: true }] }),
  },
  deliveries: {
    passes: {
      async prepare(folder) {
        await writeFile(join(folder, 'secret'), 'a secret that is long enough to be one', { mode: 0o600 });
        return {};
      },
      config: {
        deliveries: [{ kind: 'webhook', name: 'hook', url: 'https://hook.example/', secret_file: 'secret' }],
      },
    },
    // Nothing can be handed on in clear text but by a program of one's own.
    fails: setting({ deliveries: [{ kind: 'command', name: 'program', program: '/bin/true' }] }),
    otherwise: 'not_decided',
  },
  'malware-gates': {
    passes: setting({ gates: [CLAMD], intake: { gates: ['clam'] }, users: [account()] }),
    fails: setting({
      gates: [CLAMD],
      intake: { gates: ['clam'] },
      users: [account({ directories: [{ path: '/in', intake: { gates: [] } }] })],
    }),
  },
  'own-names': {
    passes: users(),
    fails: setting({ authentication: [{ type: 'users' }, { type: 'anonymous', account: { home: 'home' } }] }),
  },
  'inactive-accounts': {
    passes: { ...users(), ...inventory({ acme: 10 }) },
    fails: { ...users(), ...inventory({ acme: 91 }) },
  },
  'idle-sessions': { passes: {}, fails: setting({ limits: { idle_timeout_ms: 900_001 } }) },
  'password-hashes': { passes: users(), fails: users({ password_hash: SHA_CRYPT }) },
  lockout: { passes: {}, fails: setting({ limits: { login_lockout_ms: 60_000 } }) },
  'second-factor': { passes: users({ totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }), fails: users() },
  'audit-log': { passes: {}, fails: setting({ audit: { requirement: 'off' } }) },
  'configuration-changes': { passes: {}, fails: setting({ audit: { requirement: 'off' } }) },
  'fails-closed': { passes: {}, fails: setting({ audit: { requirement: 'preferred' } }) },
  receipts: { passes: {}, fails: setting({ audit: { requirement: 'preferred' } }) },
  'log-level': { passes: {}, fails: setting({ log: { level: 'warn' } }) },
  'log-verifies': {
    passes: { prepare: (folder) => writeLog(folder).then(() => ({})) },
    fails: {
      prepare: (folder) =>
        writeLog(folder)
          .then(alterLog)
          .then(() => ({})),
    },
  },
  'log-retention': { passes: setting({ audit: { retain_days: 400 } }), fails: setting({ audit: { retain_days: 90 } }) },
  'tls-inventory': { passes: inventory({}), fails: {} },
  'encryption-at-rest': { passes: users({ intake: { encrypt_to: [AGE] } }), fails: users() },
  'write-once': { passes: users({ intake: { profile: 'inbox' } }), fails: users() },
  retention: { passes: retainedDays(365), fails: users() },
  'storage-sync': { passes: {}, fails: setting({ storage: { sync: false } }) },
  'file-modes': { passes: {}, fails: setting({ storage: { file_mode: '0644' } }) },
  metrics: {
    passes: setting({ metrics: { host: '10.1.2.3', port: 9_100 } }),
    fails: setting({ metrics: { host: '0.0.0.0', port: 9_100 } }),
  },
  'data-peers': { passes: {}, fails: setting({ active: { foreign_addresses: ['192.0.2.0/24'] } }) },
};

/** Keeps an inventory in which accounts were seen so many days ago. */
export function inventory(seen: Readonly<Record<string, number>>, options?: { readonly sinceDays: number }): Case {
  return {
    tls: { inventory_file: 'inventory.json' },
    async prepare(folder) {
      await writeInventory(folder, seen, options);
      return {};
    },
  };
}

/** A certificate that ends in so many days. */
async function certificateFor(folder: string, days: number) {
  const day = 86_400_000;
  const { certificate, key } = selfSigned(new Date(Date.now() - day), new Date(Date.now() + days * day));
  const [certificate_file, key_file] = [join(folder, 'own.crt'), join(folder, 'own.key')];
  await writeFile(certificate_file, certificate);
  await writeFile(key_file, key, { mode: 0o600 });
  return { certificate_file, key_file };
}
