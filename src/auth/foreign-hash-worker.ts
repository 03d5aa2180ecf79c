/** The thread in which a slow hash is computed: it is given a password and a hash, and answers with the hash's last part. */
import { parentPort, workerData } from 'node:worker_threads';
import { hashSync } from 'bcryptjs';
import { parseShaCrypt, shaCryptTag } from './sha-crypt.ts';

// Only `foreign-hash.ts` starts this; a schema would take longer to load than most hashes take.
const password = String(workerData.password);
const hash = String(workerData.hash);
const cost = parseShaCrypt(hash);
// bcrypt: 29 characters of version, cost and salt, then 31 of the hash itself.
const tag = cost === undefined ? hashSync(password, hash.slice(0, 29)).slice(29) : shaCryptTag(password, cost);
parentPort?.postMessage(tag);
