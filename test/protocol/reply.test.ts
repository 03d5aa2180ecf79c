import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatReply, isPositive, reply } from '../../src/protocol/reply.ts';

test('a text cannot end or forge a line', () => {
  expect(formatReply(reply(550, 'a\r\n230 Logged in.\0b'))).toBe('550 a  230 Logged in. b\r\n');
});

test('a reply without text is still a reply', () => {
  expect(formatReply(reply(200))).toBe('200 \r\n');
});

test('one line stands alone', () => {
  expect(formatReply(reply(200, 'Done.'))).toBe('200 Done.\r\n');
});

test('several lines open with a hyphen, are indented and close with a space', () => {
  expect(formatReply(reply(211, 'Features:', '211 SIZE', 'End.'))).toBe('211-Features:\r\n 211 SIZE\r\n211 End.\r\n');
  expect(formatReply(reply(211, 'First.', 'Last.'))).toBe('211-First.\r\n211 Last.\r\n');
});

test('whatever the lines say, a client finds the end at the last line and nowhere before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), fc.array(fc.string({ unit: 'binary' })), (code, lines) => {
      const wire = formatReply(reply(code, ...lines));
      const read = wire.split('\r\n');
      expect(read.pop()).toBe('');
      expect(read).toHaveLength(Math.max(lines.length, 1));
      expect(wire.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
      expect(read.findIndex((line) => line.startsWith(`${code} `))).toBe(read.length - 1);
    }),
  );
});

test.each([
  [150, true],
  [226, true],
  [350, true],
  [399, true],
  [400, false],
  [421, false],
  [550, false],
])('%i is positive: %s', (code, positive) => {
  expect(isPositive(reply(code))).toBe(positive);
});
