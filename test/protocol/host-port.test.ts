import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatExtendedPassive,
  formatPassive,
  parseExtendedHostPort,
  parseExtendedPassive,
  parseHostPort,
} from '../../src/protocol/host-port.ts';
import { parseIpv6 } from '../../src/protocol/ip-address.ts';

const anyPort = fc.integer({ min: 1, max: 65_535 });

test.each([
  [''],
  ['127,0,0,1,4'],
  ['127,0,0,1,4,1,1'],
  ['127,0,0,256,4,1'],
  ['127,0,0,1,256,1'],
  ['127,0,0,1,0,0'],
  ['127,0,0,+1,4,1'],
  ['127,0,0,-1,4,1'],
  ['127,0,0,1,4, 1'],
  ['127,0,0,,4,1'],
  ['127,0,0,0x1,4,1'],
  ['127,0,0,0001,4,1'],
  ['127.0.0.1,4,1'],
])('PORT refuses %j', (text) => {
  expect(parseHostPort(text)).toBeUndefined();
});

test.each([
  ['127,0,0,1,4,1', { address: '127.0.0.1', port: 1025 }],
  ['255,255,255,255,255,255', { address: '255.255.255.255', port: 65_535 }],
  ['010,000,000,001,000,021', { address: '10.0.0.1', port: 21 }],
])('PORT reads %j', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});

test.each([
  [''],
  ['|'],
  ['|1|132.235.1.2|6275'],
  ['1|132.235.1.2|6275|'],
  ['|1|132.235.1.2|6275|x'],
  ['|1|132.235.1.2|6275||'],
  ['|1|132.235.1.2|0|'],
  ['|1|132.235.1.2|65536|'],
  ['|1|132.235.1.2|+21|'],
  ['|1|132.235.1.2| 21|'],
  ['|1|132.235.1.2||'],
  ['|1||6275|'],
  ['|||6275|'],
  ['|x|132.235.1.2|6275|'],
  ['|+1|132.235.1.2|6275|'],
  ['|1|132.235.1.02|6275|'],
  ['|1|::1|6275|'],
  ['|2|132.235.1.2|6275|'],
  ['|2|fe80::1%eth0|6275|'],
  ['|2|[::1]|6275|'],
  [':2:::1:6275:'],
  [' 1 132.235.1.2 6275 '],
  ['\x7f1\x7f132.235.1.2\x7f6275\x7f'],
  ['é1é132.235.1.2é6275é'],
])('EPRT refuses %j', (text) => {
  expect(parseExtendedHostPort(text)).toBeUndefined();
});

test.each([
  ['|1|132.235.1.2|6275|', { kind: 'ok', family: 4, address: '132.235.1.2', port: 6275 }],
  ['|2|1080::8:800:200C:417A|5282|', { kind: 'ok', family: 6, address: '1080::8:800:200c:417a', port: 5282 }],
  ['!1!132.235.1.2!6275!', { kind: 'ok', family: 4, address: '132.235.1.2', port: 6275 }],
  ['~2~::1~1~', { kind: 'ok', family: 6, address: '::1', port: 1 }],
  ['|2|::ffff:192.0.2.1|6275|', { kind: 'ok', family: 4, address: '192.0.2.1', port: 6275 }],
  ['|3|whatever|6275|', { kind: 'unsupportedProtocol' }],
  ['|01|132.235.1.2|6275|', { kind: 'unsupportedProtocol' }],
])('EPRT reads %j', (text, expected) => {
  expect(parseExtendedHostPort(text)).toEqual(expected);
});

test.each([['all '], ['3x'], ['-1'], ['|1|'], [' '], ['1 2'], ['ALLES']])('EPSV refuses %j', (text) => {
  expect(parseExtendedPassive(text)).toBeUndefined();
});

test.each([
  ['', { kind: 'sameProtocol' }],
  ['1', { kind: 'protocol', family: 4 }],
  ['2', { kind: 'protocol', family: 6 }],
  ['3', { kind: 'unsupportedProtocol' }],
  ['ALL', { kind: 'all' }],
  ['all', { kind: 'all' }],
])('EPSV reads %j', (text, expected) => {
  expect(parseExtendedPassive(text)).toEqual(expected);
});

test('the texts of 227 and 229 are those of the RFCs', () => {
  expect(formatPassive({ address: '192.0.2.1', port: 50_001 })).toBe('Entering Passive Mode (192,0,2,1,195,81).');
  expect(formatExtendedPassive(6446)).toBe('Entering Extended Passive Mode (|||6446|)');
});

test('there is no 227 for an IPv6 address', () => {
  expect(formatPassive({ address: '::1', port: 50_001 })).toBeUndefined();
});

test('what 227 says, PORT reads', () => {
  fc.assert(
    fc.property(fc.ipV4(), anyPort, (address, port) => {
      const text = formatPassive({ address, port });
      expect(parseHostPort(/\((.*)\)/.exec(text ?? '')?.[1] ?? '')).toEqual({ address, port });
    }),
  );
});

test('every delimiter that the address does not hold will do', () => {
  // Visible ASCII that is in no address and no number.
  const delimiter = fc
    .integer({ min: 33, max: 126 })
    .map((code) => String.fromCharCode(code))
    .filter((c) => !/[0-9a-fA-F.:]/.test(c));
  fc.assert(
    fc.property(delimiter, fc.ipV4(), fc.ipV6(), anyPort, (d, ipv4, ipv6, port) => {
      expect(parseExtendedHostPort(`${d}1${d}${ipv4}${d}${port}${d}`)).toEqual({
        kind: 'ok',
        family: 4,
        address: ipv4,
        port,
      });
      expect(parseExtendedHostPort(`${d}2${d}${ipv6}${d}${port}${d}`)).toMatchObject({
        address: parseIpv6(ipv6),
        port,
      });
    }),
  );
});

test('no text makes a parser throw, and none yields a port that is not one', () => {
  const nearly = fc
    .array(fc.constantFrom('|', ',', '1', '2', '255', '::1', '1.2.3.4', 'ALL', '!', '-'))
    .map((a) => a.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearly), (text) => {
      parseExtendedPassive(text);
      const found = [parseHostPort(text), parseExtendedHostPort(text)];
      for (const hostPort of found) {
        if (hostPort === undefined || !('port' in hostPort)) continue;
        expect(hostPort.port).toBeGreaterThanOrEqual(1);
        expect(hostPort.port).toBeLessThanOrEqual(65_535);
      }
    }),
  );
});
