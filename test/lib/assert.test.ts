import { expect, test } from 'vitest';
import { AssertionFailed, assert, unreachable } from '../../src/lib/assert.ts';

test('what does not hold is thrown with its message', () => {
  expect(() => assert(false, 'two doors, never both open')).toThrow(new AssertionFailed('two doors, never both open'));
});

test('what holds passes', () => {
  expect(() => assert(true, 'never read')).not.toThrow();
});

test('a case that cannot occur is thrown when it does, and named', () => {
  const impossible = { kind: 'Surprise' } as unknown as never;
  expect(() => unreachable(impossible)).toThrow('unreachable case: {"kind":"Surprise"}');
});
