/** The part of a bcrypt or SHA-crypt hash that the password decides, computed where the thread may stand still for it. */
import { hashSync } from 'bcryptjs';
import { parseShaCrypt, shaCryptTag } from './sha-crypt.ts';

/** The last part of such a hash for this password. The hash is one that `isForeignHash` accepts. */
export function foreignTag(password: string, hash: string): string {
  const cost = parseShaCrypt(hash);
  // bcrypt: 29 characters of version, cost and salt, then 31 of the hash itself.
  return cost === undefined ? hashSync(password, hash.slice(0, 29)).slice(29) : shaCryptTag(password, cost);
}
