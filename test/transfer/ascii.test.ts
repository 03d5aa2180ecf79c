import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrlfToLf, LfToCrlf } from '../../src/transfer/ascii.ts';

/** Text in which line ends of every kind are frequent. */
const text = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', 'bc', 'é', ''), { maxLength: 40 })
  .map((parts) => parts.join(''));

/** Bytes and where to cut them. */
const split = text.chain((whole) => {
  const bytes = Buffer.from(whole);
  return fc.tuple(fc.constant(bytes), fc.array(fc.nat(bytes.length), { maxLength: 6 }));
});

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => Buffer.from(bytes.subarray(edges[index], edge)));
}

function received(parts: readonly Buffer[]): string {
  const ascii = new CrlfToLf();
  return Buffer.concat([...parts.flatMap((part) => ascii.push(part)), ...ascii.end()]).toString('latin1');
}

function sent(parts: readonly Buffer[]): string {
  const ascii = new LfToCrlf();
  return Buffer.concat(parts.map((part) => ascii.push(part))).toString('latin1');
}

test.each([
  ['', ''],
  ['a\r\nb', 'a\nb'],
  ['\r\n\r\n', '\n\n'],
  ['a\rb', 'a\rb'],
  ['a\r', 'a\r'],
  ['\r\r\n', '\r\n'],
  ['a\nb', 'a\nb'],
])('%j is received as %j', (wire, stored) => {
  expect(received([Buffer.from(wire)])).toBe(stored);
});

test.each([
  ['', ''],
  ['a\nb', 'a\r\nb'],
  ['\n\n', '\r\n\r\n'],
  ['a\r\nb', 'a\r\nb'],
  ['a\rb', 'a\rb'],
  ['\n\r\n', '\r\n\r\n'],
])('%j is sent as %j', (stored, wire) => {
  expect(sent([Buffer.from(stored)])).toBe(wire);
});

test('every split of what is received gives the same bytes', () => {
  fc.assert(
    fc.property(split, ([bytes, cuts]) => {
      expect(received(pieces(bytes, cuts))).toBe(bytes.toString('latin1').replaceAll('\r\n', '\n'));
    }),
  );
});

test('every split of what is sent gives the same bytes', () => {
  fc.assert(
    fc.property(split, ([bytes, cuts]) => {
      expect(sent(pieces(bytes, cuts))).toBe(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n'));
    }),
  );
});

test('text whose lines end in LF comes back as it was', () => {
  fc.assert(
    fc.property(split, ([bytes, cuts]) => {
      const lines = Buffer.from(bytes.toString('latin1').replaceAll('\r', ''), 'latin1');
      const wire = Buffer.from(sent([lines]), 'latin1');
      expect(
        received(
          pieces(
            wire,
            cuts.map((cut) => Math.min(cut, wire.length)),
          ),
        ),
      ).toBe(lines.toString('latin1'));
    }),
  );
});

test('a piece in which nothing changes is passed on without a copy', () => {
  const piece = Buffer.from('no line end');
  expect(new LfToCrlf().push(piece)).toBe(piece);
});
