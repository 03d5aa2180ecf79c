/** Work that signals ask for: never beside itself, and however many ask while it runs, once more. */

import { expect, it } from 'vitest';
import { coalesced } from '../../src/cli/coalesced.ts';

it('runs once more for all that asked while it ran', async () => {
  const begun: (() => void)[] = [];
  const ask = coalesced(() => new Promise((resolve) => begun.push(resolve)));
  ask();
  ask();
  await settled();
  expect(begun).toHaveLength(1);
  for (let asked = 0; asked < 3; asked += 1) ask();
  await settled();
  expect(begun).toHaveLength(1);
  begun[0]?.();
  await settled();
  expect(begun).toHaveLength(2);
  begun[1]?.();
  await settled();
  expect(begun).toHaveLength(2);
  ask();
  await settled();
  expect(begun).toHaveLength(3);
});

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
