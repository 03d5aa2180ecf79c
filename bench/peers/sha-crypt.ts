/** Password hashes as C libraries know them. */
import { execFileSync } from 'node:child_process';

/** The `$6$` hash of a password: SHA-512, 5,000 rounds. */
export function shaCrypt(password: string): string {
  return execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: `${password}\n` })
    .toString()
    .trim();
}
