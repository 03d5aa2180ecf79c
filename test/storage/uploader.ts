/** Run as a process: begins an upload of `/file`, writes so many bytes, says so, and waits to be killed. */
import { assert } from '../../src/lib/assert.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { localFiles } from '../../src/storage/local.ts';

const [root = '', from = '', bytes = '', bootId = ''] = process.argv.slice(2);
const path = resolvePath(ROOT, '/file');
assert(path !== undefined && (from === 'empty' || from === 'append'), 'arguments of the uploader');

const files = localFiles({ root, owner: 'alice' }, { bootId });
const staged = await files.stage(path, { from, existing: 'replace' });
await staged.write([Buffer.alloc(Number(bytes), 'u')]);
process.send?.('written');
// The channel to the parent keeps the process alive until then, and ends it should the parent go first.
process.on('disconnect', () => process.exit(1));
