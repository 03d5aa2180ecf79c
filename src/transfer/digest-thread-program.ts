/** What runs in a `DigestThread`: it hashes what comes through the slots, each stream for itself. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { DIGEST, type Entry, type SharedSlots, SlotReader } from './digest-slots.ts';

/** What it says: that it has begun, that it has done what somebody waits for, or what a stream came to, in hexadecimal. */
export type DigestNews = 'began' | 'done' | { readonly stream: number; readonly sha256: string };

const slots = new SlotReader(workerData as SharedSlots);
const streams = new Map<number, Hash>();
const tell = (news: DigestNews) => parentPort?.postMessage(news);

tell('began');
// It waits in the ring, not in its event loop; being ended it wakes up there too.
for (;;) {
  take(slots.next());
  if (slots.done()) tell('done');
}

function take(entry: Entry): void {
  const hash = streams.get(entry.stream) ?? createHash('sha256');
  if (entry.slot >= 0) {
    streams.set(entry.stream, hash.update(slots.bytesOf(entry)));
    return;
  }
  streams.delete(entry.stream);
  if (entry.slot === DIGEST) tell({ stream: entry.stream, sha256: hash.digest('hex') });
}
