/**
 * Run as a process: uploads through the doors, tells what it was told, and kills itself at the step that it was given, or is
 * killed by who runs it.
 */

import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { openGateway } from './crash-parts.ts';
import { useOf } from './crash-use.ts';
import { arrival, type ChildOrder, contentOf } from './crash-words.ts';

const order: ChildOrder = JSON.parse(process.argv[2] ?? '');
let steps = 0;
/** Nothing is killed before the uploads begin: opening is not what is looked at. */
let counting = false;

function step(): void {
  if (!counting) return;
  steps += 1;
  if (steps !== order.killAtStep) return;
  process.kill(process.pid, 'SIGKILL');
  // Not one more instruction, should the signal take its time.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Resolves when the other process has it. */
function tell(message: unknown): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

process.on('disconnect', () => process.exit(1));
const gateway = await openGateway(order.folder, order.mode, { step });
const files = gateway.intake.files(gateway.files, useOf(gateway.files));
counting = true;

async function upload(number: number): Promise<void> {
  const path = resolvePath(ROOT, order.names === 'one' ? '/file' : `/file-${number}`);
  if (path === undefined) throw new Error('a path of the test');
  const content = contentOf(number);
  const staged = await files.stage(path, { from: 'empty', existing: 'replace' });
  try {
    await staged.write([content]);
    await staged.commit(arrival(content));
  } catch (error) {
    await staged.abort('remove');
    await tell({ refused: number, why: String(error) });
    return;
  }
  await tell({ acknowledged: number, publication: staged.publication });
}

const rest = Array.from({ length: order.uploads }, (_, number) => number);
await Promise.all(
  Array.from({ length: order.atOnce }, async () => {
    for (let number = rest.shift(); number !== undefined; number = rest.shift()) await upload(number);
  }),
);
// What goes on behind replies has its steps too.
while (gateway.intake.items().some(({ state }) => state === 'checking')) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await tell({ done: steps });
await gateway.close();
process.exit(0);
