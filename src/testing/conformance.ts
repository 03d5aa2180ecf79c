/** What a conformance suite is made of: cases that any test runner can run, since each is a name and a function. */
import assert from 'node:assert/strict';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';

/** One promise of a contract. `run` rejects when the subject breaks it. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** The virtual path that a client at the root means by `text`. @throws TypeError when it can be none. */
export function virtualPath(text: string): VirtualPath {
  const path = resolvePath(ROOT, text);
  if (path === undefined) throw new TypeError(`${JSON.stringify(text)} can be no path`);
  return path;
}

/** Fails unless the promise is rejected with a Fault of one of these kinds. */
export async function rejectsWith(promise: Promise<unknown>, ...kinds: readonly FaultKind[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof Fault, `a Fault is thrown for what can be expected, not ${String(error)}`);
    assert.ok(kinds.includes(error.kind), `Fault ${error.kind}, where ${kinds.join(' or ')} was to be expected`);
    return true;
  });
}
