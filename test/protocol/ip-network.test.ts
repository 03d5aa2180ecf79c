import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IpNetwork, isInNetwork, parseIpNetwork } from '../../src/protocol/ip-network.ts';

test.each([
  '',
  '/',
  '/24',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/08',
  '10.0.0.0/8 ',
  ' 10.0.0.0/8',
  '10.0.0/8',
  '10.0.0.0/255.0.0.0',
  '010.0.0.0/8',
  '10.0.0.1/8',
  '10.0.0.0/8/8',
  '::/129',
  '2001:db8::1/64',
  'fe80::%eth0/64',
  '::ffff:10.0.0.0/95',
  '::ffff:10.0.0.1/104',
  'localhost',
  'example.com/8',
  '10.0.0.0/1e1',
])('%j is no network', (text) => {
  expect(parseIpNetwork(text)).toBeUndefined();
});

describe('what lies in a network', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.0', true],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '::ffff:192.0.2.7', true],
    ['::ffff:192.0.2.0/120', '192.0.2.7', true],
    ['::ffff:192.0.2.0/120', '192.0.3.7', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.6', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.9', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['2001:DB8:0:0::/64', '2001:db8::9', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '::1', true],
    ['::1/128', '::2', false],
    ['10.0.0.0/8', 'nonsense', false],
  ])('%s, %s: %s', (text, address, expected) => {
    expect(isInNetwork(address, network(text))).toBe(expected);
  });
});

test('an IPv4 address lies in a network exactly when their leading bits are the same', () => {
  const number = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(
      number,
      fc.integer({ min: 0, max: 32 }),
      number,
      fc.integer({ min: 0, max: 32 }),
      (own, bits, other, flip) => {
        // An address near the network's own is the interesting one: chance alone would never meet it.
        const near = flip === 32 ? other : (own ^ (1 << flip)) >>> 0;
        const size = 2 ** (32 - bits);
        const base = Math.floor(own / size) * size;
        const expected = Math.floor(near / size) === Math.floor(own / size);
        expect(isInNetwork(dotted(near), network(`${dotted(base)}/${bits}`))).toBe(expected);
      },
    ),
  );
});

test('no text makes the parser throw, and what it takes it takes again', () => {
  const piece = fc.constantFrom('1', '0', '255', '.', ':', '::', '/', 'f', 'ffff', '32', '%', ' ');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const parsed = parseIpNetwork(text);
        if (parsed === undefined) return;
        const written = text.split('/')[0] ?? '';
        expect(isInNetwork(written, parsed)).toBe(true);
        expect(parsed.prefixBits).toBeLessThanOrEqual(parsed.family === 4 ? 32 : 128);
      },
    ),
    { numRuns: 2_000 },
  );
});

function network(text: string): IpNetwork {
  return parseIpNetwork(text) ?? expect.unreachable(`no network: ${text}`);
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}
