import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseHostName } from '../../src/protocol/host-name.ts';

test.each([
  '',
  ' ftp.example.com',
  'ftp..example.com',
  'ftp.example.com.',
  '.example.com',
  '-a.example',
  'a-.example',
  'a_b.example',
  'b\u00fccher.example',
  // The Kelvin sign, which is a k once it is made small.
  '\u212a.example',
  'ftp.example.com:21',
  '192.0.2.1:2112',
  '[2001:db8::c000:201]:2112',
  '2001:db8::1',
  '[192.0.2.1]x',
  '[fe80::1%eth0]',
  '[]',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(126)}ab`,
])('%j is the name of no host', (text) => {
  expect(parseHostName(text)).toBeUndefined();
});

test.each([
  ['Ftp.Example.Com', 'ftp.example.com'],
  ['localhost', 'localhost'],
  ['xn--e1afmkfd.com', 'xn--e1afmkfd.com'],
  ['1and1.example', '1and1.example'],
  ['a-b.c--d', 'a-b.c--d'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  [`${'a.'.repeat(126)}a`, `${'a.'.repeat(126)}a`],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:DB8::C000:201]', '2001:db8::c000:201'],
  // An IPv4-mapped address is how a socket of both families would report the IPv4 one.
  ['[::ffff:192.0.2.1]', '192.0.2.1'],
])('%s is %s', (text, name) => {
  expect(parseHostName(text)).toBe(name);
});

test('whatever is a name is written in one way only', () => {
  const pieces = fc.constantFrom(
    'a',
    'Z',
    '0',
    '9',
    '.',
    '-',
    '[',
    ']',
    ':',
    '::',
    'ffff',
    '255',
    ' ',
    'xn--',
    '\u00e9',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const name = parseHostName(parts.join(''));
      if (name === undefined) return;
      expect(name).toMatch(/^[0-9a-z.:-]+$/);
      expect(parseHostName(name.includes(':') ? `[${name}]` : name)).toBe(name);
    }),
  );
});
