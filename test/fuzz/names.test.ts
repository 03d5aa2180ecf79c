/** Names of files, hosts and addresses: what is understood has one spelling, and that spelling means itself. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { expect } from 'vitest';
import { isClientName, subjectName } from '../../src/cli/certificate-names.ts';
import { parseHostName } from '../../src/protocol/host-name.ts';
import {
  formatExtendedPassive,
  formatPassive,
  parseExtendedHostPort,
  parseExtendedPassive,
  parseHostPort,
} from '../../src/protocol/host-port.ts';
import { networkOf, parseIpv4, parseIpv6 } from '../../src/protocol/ip-address.ts';
import { mediaTypeOf } from '../../src/protocol/media-type.ts';
import {
  baseName,
  isWithin,
  parentOf,
  pathParts,
  quotePath,
  ROOT,
  resolvePath,
} from '../../src/protocol/virtual-path.ts';
import { parseWords } from '../../src/protocol/words.ts';
import { plainAddress } from '../../src/transport/endpoint.ts';
import { argument, pathText, text } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';

/** Texts with many of the characters that names of hosts and addresses are made of. */
const hostText = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV6().map((address) => `[${address.toUpperCase()}]`),
  fc
    .array(
      fc.constantFrom('a', 'Z', '0', '9', '.', '-', '[', ']', ':', '::', 'ffff', '255', '*.', '\u212a', '\u00e9'),
      {
        maxLength: 20,
      },
    )
    .map((parts) => parts.join('')),
  text,
);

const port = fc.integer({ min: 1, max: 65_535 });

fuzz('a path is absolute, canonical and bounded, and means itself', () =>
  fc.property(pathText, pathText, (first, second) => {
    const from = resolvePath(ROOT, first) ?? ROOT;
    const path = resolvePath(from, second);
    if (path === undefined) return;
    expect(path).toMatch(/^\//);
    expect(path).not.toMatch(/[\0\r\n]/);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(4_096);
    for (const part of pathParts(path)) expect(['', '.', '..']).not.toContain(part);
    expect(resolvePath(ROOT, path)).toBe(path);
    expect(resolvePath(from, path)).toBe(path);
    expect(resolvePath(parentOf(path), baseName(path))).toBe(path);
    expect(isWithin(path, parentOf(path))).toBe(true);
  }),
);

fuzz('a path in quotes ends with its last quote, holds no single one, and can be unquoted (RFC 959 appendix II)', () =>
  fc.property(fc.oneof(pathText, fc.string({ unit: fc.constantFrom('"', '/', 'a', ' ') })), (typed) => {
    const path = resolvePath(ROOT, typed);
    if (path === undefined) return;
    const quoted = quotePath(path);
    expect([quoted.at(0), quoted.at(-1)]).toEqual(['"', '"']);
    expect(quoted.slice(1, -1).replaceAll('""', '')).not.toContain('"');
    expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(path);
    expect(parseWords(quoted)).toEqual([path]);
  }),
);

fuzz('words are those that were written, and never empty', () =>
  fc.property(
    fc.array(text),
    fc.oneof(text, argument, fc.string({ unit: fc.constantFrom('"', ' ', 'a') })),
    (words, typed) => {
      const full = words.filter((word) => word !== '');
      expect(parseWords(full.map((word) => `"${word.replaceAll('"', '""')}"`).join('  '))).toEqual(full);
      const read = parseWords(typed) ?? [];
      for (const word of read) expect(word).not.toBe('');
      expect(parseWords(read.map((word) => `"${word.replaceAll('"', '""')}"`).join(' '))).toEqual(read);
    },
  ),
);

fuzz('an address is read as Node reads it, and written as sockets report it', () =>
  fc.property(hostText, (typed) => {
    expect(parseIpv4(typed)).toBe(isIPv4(typed) ? typed : undefined);
    const address = parseIpv6(typed);
    expect(address !== undefined).toBe(isIPv6(typed) && !typed.includes('%'));
    if (address === undefined) return;
    expect(address).toBe(plainAddress(new SocketAddress({ address: typed, family: 'ipv6' }).address));
    expect(networkOf(typed)).toBe(networkOf(address));
    if (address.includes(':')) {
      expect(parseIpv6(address)).toBe(address);
      expect(isIPv6(networkOf(address).replace(/\/64$/, ''))).toBe(true);
    }
  }),
);

fuzz('the name of a host is ASCII, in small letters and bounded, and means itself', () =>
  fc.property(hostText, (typed) => {
    const name = parseHostName(typed);
    if (name === undefined) return;
    expect(typed).toMatch(/^[\x21-\x7e]+$/);
    expect(name).toMatch(/^[0-9a-z.:-]{1,253}$/);
    expect(parseHostName(name.includes(':') ? `[${name}]` : name)).toBe(name);
    expect(parseHostName(typed.toUpperCase())).toBe(name);
  }),
);

fuzz('a name in a certificate means itself', () =>
  fc.property(hostText, (typed) => {
    isClientName(typed);
    const name = subjectName(typed);
    if (name === undefined) return;
    expect(name).toMatch(/^[\x21-\x7e]{1,253}$/);
    expect(subjectName(name)).toBe(name);
  }),
);

fuzz('what 227 and 229 say, and what PORT and EPRT take, are the same addresses', () =>
  fc.property(fc.ipV4(), fc.ipV6(), port, fc.constantFrom('|', '!', '~', '#', '/'), (ipv4, ipv6, number, bar) => {
    const fields = /\((.*)\)/.exec(formatPassive({ address: ipv4, port: number }) ?? '')?.[1] ?? '';
    expect(parseHostPort(fields)).toEqual({ address: ipv4, port: number });
    expect(formatPassive({ address: parseIpv6(ipv6) ?? '', port: number }) === undefined).toBe(
      parseIpv6(ipv6)?.includes(':') ?? true,
    );
    expect(/\((.)\1\1(\d+)\1\)$/.exec(formatExtendedPassive(number))?.[2]).toBe(`${number}`);
    const of4 = [``, '1', ipv4, `${number}`, ''].join(bar);
    expect(parseExtendedHostPort(of4)).toEqual({ kind: 'ok', family: 4, address: ipv4, port: number });
    const of6 = parseExtendedHostPort(['', '2', ipv6, `${number}`, ''].join(bar));
    if (bar === '/' || of6 === undefined) return;
    expect(of6).toMatchObject({ kind: 'ok', address: parseIpv6(ipv6), port: number });
  }),
);

fuzz('whatever is typed behind PORT, EPRT and EPSV is an address of its family with a port, or is refused', () =>
  fc.property(fc.oneof(argument, hostText, fc.stringMatching(/^\|[123]\|[0-9a-f.:]{0,20}\|[0-9]{0,6}\|$/)), (typed) => {
    const four = parseHostPort(typed);
    if (four !== undefined) {
      expect(isIPv4(four.address)).toBe(true);
      expect(parseHostPort([four.address.split('.'), four.port >> 8, four.port & 255].join(','))).toEqual(four);
    }
    const extended = parseExtendedHostPort(typed);
    for (const one of [four, extended]) {
      if (one === undefined || !('port' in one)) continue;
      expect(one.port).toBeGreaterThanOrEqual(1);
      expect(one.port).toBeLessThanOrEqual(65_535);
    }
    if (extended?.kind === 'ok') {
      const { family, address } = extended;
      expect(family === 4 ? isIPv4(address) : isIPv6(address)).toBe(true);
      const again = `|${family === 4 ? 1 : 2}|${address}|${extended.port}|`;
      expect(parseExtendedHostPort(again)).toEqual(extended);
    }
    const passive = parseExtendedPassive(typed);
    if (passive?.kind === 'protocol') expect(typed).toBe(passive.family === 4 ? '1' : '2');
  }),
);

fuzz('the media type of a file depends on the ending of its name and on nothing else', () =>
  fc.property(fc.oneof(pathText, fc.constantFrom('a.txt', '.gz', 'b.tar.GZ', 'c.')), pathText, (name, folder) => {
    const type = mediaTypeOf(name);
    expect(mediaTypeOf(`${folder}/${name}`)).toBe(type);
    if (type === undefined) return;
    expect(type).toMatch(/^[a-z]+\/[a-z0-9+.-]+$/);
    expect(mediaTypeOf(name.toUpperCase())).toBe(type);
    expect(mediaTypeOf(`a${name.slice(name.lastIndexOf('.'))}`)).toBe(type);
  }),
);
