/**
 * Run as a process: uploads `/file`, holds it, publishes it, and stops in front of the nth call that changes the disk or
 * waits for it. It says so, and waits there to be killed; when there is no such call it says that it is done.
 */
import { assert } from '../../src/lib/assert.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';
import { localFiles } from '../../src/storage/local.ts';

const [root = '', existing = '', nth = '', bootId = '', id = '', content = ''] = process.argv.slice(2);
const path = resolvePath(ROOT, '/file');
assert(path !== undefined && (existing === 'keep' || existing === 'replace'), 'arguments of the holder');

const STOPS = ['rename', 'link', 'unlink', 'chmod', 'handle.chmod', 'handle.sync', 'handle.writev', 'handle.close'];
let calls = 0;

/** The same thing, with a stop in front of some of its methods. */
function stopping<T extends object>(target: T, prefix: string): T {
  return new Proxy(target, {
    get(_, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function' || typeof key !== 'string') return member;
      return async (...args: unknown[]) => {
        if (STOPS.includes(prefix + key)) {
          calls += 1;
          if (calls === Number(nth)) {
            process.send?.(prefix + key);
            await new Promise(() => undefined);
          }
        }
        const result: unknown = await Reflect.apply(member, target, args);
        return key === 'open' ? stopping(Object(result), 'handle.') : result;
      };
    },
  });
}

const io: StorageIo = stopping({ ...nodeIo }, '');
const files = localFiles({ root, owner: 'alice' }, { bootId, io });
// The channel to the parent keeps the process alive until it is killed, and ends it should the parent go first.
process.on('disconnect', () => process.exit(1));
const staged = await files.stage(path, { from: 'empty', existing });
await staged.write([Buffer.from(content)]);
await staged.hold?.(id);
const held = await files.held?.(path, id);
await held?.publish(path, existing);
await held?.close();
process.send?.('done');
