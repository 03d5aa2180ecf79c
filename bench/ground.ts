/** The ground of a run: a folder on the disk that is meant, a certificate and the load generator; gone behind the run. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildLoad } from './load.ts';
import type { Ground } from './run-measures.ts';
import type { Scale } from './scale.ts';

/** What a run decides itself. */
export interface GroundWishes {
  /** Where the folder is made. */
  readonly folder: string;
  readonly scale: Scale;
  readonly signal: AbortSignal;
  readonly watch?: Ground['watch'];
}

/** Lays it out, lets a run have it, and removes it however that ends. @throws Error when there is no compiler for the load. */
export async function onGround<T>(wishes: GroundWishes, act: (ground: Ground) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(wishes.folder, 'sallyport-bench-'));
  try {
    // Servers that change their user have to come through here.
    await chmod(folder, 0o755);
    const { warmups, secondsMax, calmSeconds, passwords } = wishes.scale;
    const { signal, watch } = wishes;
    const tell = (line: string) => void process.stderr.write(`${line}\n`);
    const given = { warmups, secondsMax, passwords, calmMs: 1_000 * calmSeconds, signal, ...(watch && { watch }) };
    return await act({ folder, ...makeCertificate(folder), load: buildLoad(folder), ...given, tell });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** RSA with 2,048 bits, which every server takes. */
function makeCertificate(folder: string) {
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...names, ...files], {
    stdio: 'ignore',
  });
  return { certFile, keyFile };
}
