/** Certificates that our own commands refuse to make, from openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for localhost that signs itself. `kind` and `hash` are openssl's words; `days` may be below 0. */
export async function selfSigned(kind: string, hash: string, days = 90): Promise<{ cert: string; key: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-probe-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const words = ['req', '-x509', '-newkey', ...kind.split(' '), '-nodes', `-${hash}`, '-days', String(days)];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', [...words, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
