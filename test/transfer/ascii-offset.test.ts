import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrlfToLf, LfToCrlf } from '../../src/transfer/ascii.ts';
import { countAscii, findAscii } from '../../src/transfer/ascii-offset.ts';

const { signal } = new AbortController();

/** Text at rest in which line ends of every kind are frequent, in pieces cut anywhere. */
const cutText = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', 'bc', ''), { maxLength: 30 })
  .map((parts) => Buffer.from(parts.join('')))
  .chain((bytes) => fc.tuple(fc.constant(bytes), fc.array(fc.nat(bytes.length), { maxLength: 6 })))
  .map(([bytes, cuts]) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return { bytes, pieces: edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge)) };
  });

async function* stream(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

function wireOf(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n');
}

test('a place beyond the end is not found', async () => {
  for (const [text, octets] of [
    ['', 1],
    ['a', 2],
    ['a\n', 4],
  ] as const) {
    expect(await findAscii(stream([Buffer.from(text)]), octets, signal)).toBeUndefined();
  }
});

test('counting and finding end when they are told to', async () => {
  const abort = new AbortController();
  const reason = new Error('gone');
  async function* endless() {
    for (let count = 0; ; count++) {
      if (count === 3) abort.abort(reason);
      yield Buffer.from('line\n');
    }
  }
  await expect(countAscii(endless(), abort.signal)).rejects.toBe(reason);
  await expect(findAscii(endless(), 1_000_000, abort.signal)).rejects.toBe(reason);
});

test.each([
  ['', 0, true],
  ['a\nb', 4, true],
  ['a\rb\r', 4, true],
  // It came as CR CR LF and goes out as CR LF: the sender has counted one octet more.
  ['a\r\nb', 4, false],
  ['\n\r\n', 4, false],
])('%j has %i octets in TYPE A, which a sender has counted too: %j', async (text, octets, exact) => {
  const bytes = Buffer.from(text);
  expect(await countAscii(stream([bytes]), signal)).toEqual({ octets, exact });
  expect(await countAscii(stream([...bytes].map((byte) => Buffer.of(byte))), signal)).toEqual({ octets, exact });
});

test('the count is what is sent, however the file is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(cutText, async ({ bytes, pieces }) => {
      expect((await countAscii(stream(pieces), signal)).octets).toBe(wireOf(bytes).length);
    }),
  );
});

test('from every place the transfer goes on with the octet that belongs there', async () => {
  await fc.assert(
    fc.asyncProperty(cutText, async ({ bytes, pieces }) => {
      const wire = wireOf(bytes);
      for (let octets = 0; octets <= wire.length; octets++) {
        const place = await findAscii(stream(pieces), octets, signal);
        if (place === undefined) throw new Error(`no place at ${octets}`);
        const { offsetBytes, afterCr } = place;
        const rest = new LfToCrlf({ afterCr }).push(Buffer.from(bytes.subarray(offsetBytes)));
        expect(rest.toString('latin1')).toBe(wire.slice(octets));
      }
    }),
  );
});

test('an upload that is cut off and goes on at its count is the same as one that was not', async () => {
  await fc.assert(
    fc.asyncProperty(cutText, fc.nat(60), async ({ bytes }, cut) => {
      // Text as a sender has it: its own line ends are LF, and no CR stands before one.
      const text = Buffer.from(
        bytes
          .toString('latin1')
          .replaceAll('\r\n', '\n')
          .replaceAll(/\r+(?=\n)/g, ''),
        'latin1',
      );
      const wire = Buffer.from(wireOf(text), 'latin1');
      const first = new CrlfToLf();
      // What the decoder still holds when the connection breaks is lost.
      const kept = Buffer.concat([...first.push(Buffer.from(wire.subarray(0, cut)))]);
      const { octets, exact } = await countAscii(stream([kept]), signal);
      expect(exact).toBe(true);
      const second = new CrlfToLf();
      const rest = [...second.push(Buffer.from(wire.subarray(octets))), ...second.end()];
      expect(Buffer.concat([kept, ...rest]).toString('latin1')).toBe(text.toString('latin1'));
    }),
  );
});
