import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkOf, parseIpv4, parseIpv6 } from '../../src/protocol/ip-address.ts';

test.each([
  [''],
  ['1.2.3'],
  ['1.2.3.4.5'],
  ['1.2.3.256'],
  ['01.2.3.4'],
  ['1.2.3.-4'],
  ['1.2.3.+4'],
  ['1.2.3.4 '],
  ['1..3.4'],
  ['::1'],
])('what is not dotted decimal is refused: %j', (text) => {
  expect(parseIpv4(text)).toBeUndefined();
});

test.each([
  [''],
  [':'],
  [':::'],
  ['1:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7:8:9'],
  ['1:2:3:4:5:6:7:8::'],
  ['1::2::3'],
  [':1:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7:'],
  ['12345::'],
  ['g::'],
  ['fe80::1%eth0'],
  ['[::1]'],
  ['1.2.3.4'],
  ['1.2.3.4::'],
  ['::1.2.3.4:5'],
  ['::1.2.3.04'],
  ['1:2:3:4:5:6:7:1.2.3.4'],
])('what is not an IPv6 address is refused: %j', (text) => {
  expect(parseIpv6(text)).toBeUndefined();
});

test.each([
  ['::', '::'],
  ['::1', '::1'],
  ['1080::8:800:200C:417A', '1080::8:800:200c:417a'],
  ['0001:0:0:0:0:0:0:0008', '1::8'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:7.8.9.10', '1:2:3:4:5:6:708:90a'],
  ['::C000:201', '::192.0.2.1'],
  ['::1:0', '::0.1.0.0'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['0:0:0:0:0:FFFF:C000:0201', '192.0.2.1'],
])('an IPv6 address has one spelling: %j', (text, canonical) => {
  expect(parseIpv6(text)).toBe(canonical);
});

test('every address is read, and written as sockets report it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(parseIpv4(address)).toBe(address);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const canonical = parseIpv6(address);
      const reported = new SocketAddress({ address, family: 'ipv6' }).address;
      expect(canonical).toBe(reported.replace(/^::ffff:(?=[0-9.]+$)/, ''));
    }),
  );
});

test('a text is an address exactly when Node says so', () => {
  const nearly = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(':', '::', '.', '0', '1', 'ff', '255', '256', '1.2.3.4'), { maxLength: 16 })
      .map((a) => a.join('')),
  );
  fc.assert(
    fc.property(nearly, (text) => {
      expect(parseIpv4(text) !== undefined).toBe(isIPv4(text));
      // Zones are left out, which Node accepts.
      expect(parseIpv6(text) !== undefined).toBe(isIPv6(text) && !text.includes('%'));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['::1', '::/64'],
])('limits count %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
