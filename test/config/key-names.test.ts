import fc from 'fast-check';
import { expect, test } from 'vitest';
import { closest, formatKeyPath, fromSnakeCase, toSnakeCase } from '../../src/config/key-names.ts';
import { gatewayOptions } from '../../src/config/options.ts';
import { keysAt } from '../../src/config/validate.ts';

test.each(['portMin', 'Port', 'port-min', 'port__min', '_port', 'port_', '', '__proto__', 'port min', '1port', 'pört'])(
  '%j is no key of a configuration file',
  (key) => {
    expect(fromSnakeCase(key)).toBeUndefined();
  },
);

test.each([
  ['port', 'port'],
  ['port_min', 'portMin'],
  ['idle_timeout_ms', 'idleTimeoutMs'],
  ['sha_256', 'sha256'],
])('%s is %s', (written, name) => {
  expect(fromSnakeCase(written)).toBe(name);
});

test('every option has one spelling in YAML that leads back to it', () => {
  for (const path of [
    [],
    ['passive'],
    ['limits'],
    ['users', 0],
    ['users', 0, 'directories', 0],
    ['listen', 0],
    ['tls'],
  ]) {
    const keys = keysAt(gatewayOptions, path);
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) expect(toSnakeCase(fromSnakeCase(key) ?? '')).toBe(key);
  }
  expect(keysAt(gatewayOptions, ['banner'])).toEqual([]);
  expect(keysAt(gatewayOptions, ['nowhere', 1])).toEqual([]);
});

test('paths are written as operators read them', () => {
  expect(formatKeyPath([])).toBe('');
  expect(formatKeyPath(['users', 2, 'directories', 0, 'path'])).toBe('users[2].directories[0].path');
  expect(formatKeyPath(['limits', 'idleTimeoutMs'])).toBe('limits.idle_timeout_ms');
  expect(formatKeyPath(['passive', '?portMin'])).toBe('passive.portMin');
});

test.each([
  ['hme', 'home'],
  ['hoem', 'home'],
  ['paswordhash', 'password_hash'],
  ['zzz', undefined],
  ['', undefined],
])('%j was probably meant to be %s', (key, meant) => {
  expect(closest(key, ['name', 'home', 'password_hash', 'enabled'])).toBe(meant);
});

test('a key is closest to itself, and one slip away from itself', () => {
  const keys = keysAt(gatewayOptions, ['limits']);
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.nat(), (key, place) => {
      expect(closest(key, keys)).toBe(key);
      const at = place % key.length;
      expect(closest(key.slice(0, at) + key.slice(at + 1), keys)).toBe(key);
    }),
  );
});
