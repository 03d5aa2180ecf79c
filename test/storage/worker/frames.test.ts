import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BODY_BYTES_MAX, encodeFrame, FrameReader, HEADER_BYTES_MAX } from '../../../src/storage/worker/frames.ts';

/** The bytes of a frame whose lengths say this, with a header of so many bytes of `text`. */
function raw(headerBytes: number, bodyBytes: number, text = ''): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(headerBytes, 0);
  lengths.writeUInt32BE(bodyBytes, 4);
  return Buffer.concat([lengths, Buffer.from(text)]);
}

describe('what is no frame is refused', () => {
  test.each([
    ['a header of no bytes', raw(0, 0)],
    ['a header that is too long, before it has come', raw(HEADER_BYTES_MAX + 1, 0)],
    ['a body that is too long, before it has come', raw(2, BODY_BYTES_MAX + 1)],
    ['lengths of four thousand million', Buffer.alloc(8, 0xff)],
    ['a header that is no JSON', raw(3, 0, '{"a')],
    ['text of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('%s', (_, bytes) => {
    expect(() => new FrameReader().push(bytes)).toThrow(expect.objectContaining({ name: 'FrameRefused' }));
  });

  test('a frame that would be too long is not made', () => {
    expect(() => encodeFrame({}, [Buffer.alloc(BODY_BYTES_MAX), Buffer.alloc(1)])).toThrow('within its bounds');
    expect(() => encodeFrame({ text: 'x'.repeat(HEADER_BYTES_MAX) })).toThrow('within its bounds');
  });
});

test('frames come out as they went in, however their bytes were split', () => {
  const frame = fc.record({ header: fc.dictionary(fc.string(), fc.jsonValue()), body: fc.array(fc.uint8Array()) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.nat(40), { minLength: 1 }), (frames, steps) => {
      const bytes = Buffer.concat(
        frames.flatMap(({ header, body }) =>
          encodeFrame(
            header,
            body.map((part) => Buffer.from(part)),
          ),
        ),
      );
      const reader = new FrameReader();
      const found: { header: unknown; body: string }[] = [];
      for (let position = 0, turn = 0; position < bytes.length; turn++) {
        const end = position + 1 + (steps[turn % steps.length] ?? 0);
        for (const { header, body } of reader.push(bytes.subarray(position, end))) {
          found.push({ header, body: body.toString('hex') });
        }
        position = end;
      }
      expect(found).toEqual(
        frames.map(({ header, body }) => ({
          header: JSON.parse(JSON.stringify(header)),
          body: Buffer.concat(body).toString('hex'),
        })),
      );
    }),
  );
});

test('any bytes are frames, refused, or a beginning', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        new FrameReader().push(Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ name: 'FrameRefused' });
      }
    }),
  );
});

test('a body is the receiver’s own: it does not change with the bytes that it came in', () => {
  const bytes = Buffer.concat(encodeFrame({ id: 1 }, [Buffer.from('hello')]));
  const [frame] = new FrameReader().push(bytes);
  bytes.fill(0);
  expect(frame?.body.toString()).toBe('hello');
});
