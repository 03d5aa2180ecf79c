/** The secrets of authenticator apps in a file of their own, which may change while the gateway runs. */
import { readTotpSecretsFile } from '../config/totp-secrets-file.ts';
import { UsersFileRefused } from '../config/users-file.ts';
import { rereadFile } from './reread-file.ts';

/** The secrets as they were when the file was last right. */
export interface TotpSecrets {
  /** In base32; undefined for who has none. */
  secretOf(user: string): string | undefined;
  /** Reads the file if it has changed since. @throws UsersFileRefused naming every mistake in it. */
  refresh(): Promise<void>;
  /** Reads it, whether or not it has changed. @throws UsersFileRefused, as `refresh`. */
  reload(): Promise<void>;
}

/** Follows a file of secrets; undefined where there is none. */
export function totpSecretsOf(path: string | undefined): TotpSecrets | undefined {
  if (path === undefined) return undefined;
  const file = rereadFile(path, async () => {
    const read = await readTotpSecretsFile(path);
    if (!read.ok) throw new UsersFileRefused(read.problems);
    return read.secrets;
  });
  return { secretOf: (user) => file.content()?.get(user), refresh: () => file.refresh(), reload: () => file.reload() };
}
