/** What arrived comes out in order, in pieces with one owner each, however it is asked for. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { giveBack, PIECE_BYTES } from '../../src/lib/pieces.ts';
import { ReceivedBytes } from '../../src/transport/received-bytes.ts';

/** Bytes that are different everywhere. */
function pattern(start: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (Math.imul(start + at, 2_654_435_761) >>> 24) & 0xff));
}

test('a piece that is taken in parts is copied, so that giving back one part harms no other', () => {
  const received = new ReceivedBytes();
  received.add(pattern(0, 1_000));
  const [first] = received.take(400);
  expect(first).toEqual(pattern(0, 400));
  if (first !== undefined) giveBack(first);
  received.add(Buffer.alloc(10, 1));
  expect(Buffer.concat(received.take(Infinity))).toEqual(Buffer.concat([pattern(400, 600), Buffer.alloc(10, 1)]));
});

test('whatever the sizes, the bytes are the same and never more than was asked for', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ add: fc.constant(PIECE_BYTES) }),
    fc.record({ take: fc.oneof(fc.integer({ min: 1, max: 600_000 }), fc.constant(Infinity)) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const received = new ReceivedBytes();
      let came = 0;
      let taken = 0;
      for (const act of steps) {
        if ('add' in act) {
          received.add(pattern(came, act.add));
          came += act.add;
        } else {
          const bytes = Buffer.concat(received.take(act.take));
          expect(bytes.length).toBe(Math.min(act.take, came - taken));
          expect(bytes.equals(pattern(taken, bytes.length))).toBe(true);
          taken += bytes.length;
        }
        expect(received.bytes).toBe(came - taken);
      }
    }),
    { numRuns: 40 },
  );
});
