/**
 * Reading a connected socket into memory of our own. By itself Node makes new memory for each read, 64 KiB for a socket and
 * 16 KiB for each TLS record: half of what an upload costs. It offers better for sockets that it connects itself (`onread`), and
 * does the same for those that it accepted if it is asked in the way that `onread` is carried out.
 */
import type { Socket } from 'node:net';

/**
 * From now on each read of the socket is done into `memory` and goes to `onBytes` in place of `data` events. The bytes are good
 * until it returns, so that sockets may share a memory whose `onBytes` read no other of them. `pause`, `resume` and `end` are as
 * ever; what the socket has buffered already stays there, to be taken with `read`.
 *
 * @returns false where this Node cannot; nothing has changed then, and `data` events are there.
 */
export function readOwned(socket: Socket, memory: Buffer, onBytes: (bytes: Buffer) => void): boolean {
  if (keys.length === 0 || !keys.every((key) => Object.hasOwn(socket, key))) keys = keysOf(socket);
  const [memoryKey, callbackKey] = keys;
  const handle: unknown = Reflect.get(socket, '_handle');
  if (memoryKey === undefined || callbackKey === undefined || typeof handle !== 'object' || handle === null)
    return false;
  const use: unknown = Reflect.get(handle, 'useUserBuffer');
  if (typeof use !== 'function') return false;
  Reflect.apply(use, handle, [memory]);
  Reflect.set(socket, memoryKey, memory);
  Reflect.set(socket, callbackKey, (bytes: number) => {
    onBytes(memory.subarray(0, bytes));
    return true;
  });
  return true;
}

/** Node's own names for what a socket reads into and whom it tells: the same in all sockets, and looked for in the first. */
let keys: readonly symbol[] = [];

function keysOf(socket: Socket): readonly symbol[] {
  const members = Object.getOwnPropertySymbols(socket);
  return ['kBuffer', 'kBufferCb'].flatMap((name) => members.find(({ description }) => description === name) ?? []);
}
