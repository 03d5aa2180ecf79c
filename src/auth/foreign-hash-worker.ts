/** The thread in which a slow hash is computed: it is given a password and a hash, and answers with the hash's last part. */
import { parentPort, workerData } from 'node:worker_threads';
import { foreignTag } from './foreign-tag.ts';

// Only `foreign-hash.ts` starts this; a schema would take longer to load than most hashes take.
parentPort?.postMessage(foreignTag(String(workerData.password), String(workerData.hash)));
