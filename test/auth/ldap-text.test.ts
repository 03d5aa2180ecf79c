import fc from 'fast-check';
import { FilterParser } from 'ldapts';
import { describe, expect, test } from 'vitest';
import { dnValue, filledIn, filterValue, firstRdn } from '../../src/auth/ldap-text.ts';

describe('values in filters (RFC 4515 section 3)', () => {
  test.each([
    ['*', '\\2a'],
    ['alice)(uid=*', 'alice\\29\\28uid=\\2a'],
    ['C:\\x', 'C:\\5cx'],
    ['a\0b', 'a\\00b'],
    ['Jörg', 'Jörg'],
  ])('%j is written %s', (value, written) => {
    expect(filterValue(value)).toBe(written);
  });

  test('whatever the value is, the filter compares one attribute with it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const filter = FilterParser.parseString(`(uid=${filterValue(value)})`);
        expect(filter).toMatchObject({ attribute: 'uid', value });
      }),
    );
  });
});

describe('values in distinguished names (RFC 4514 section 2.4)', () => {
  test.each([
    ['alice,ou=admins', 'alice\\,ou\\=admins'],
    ['a+b', 'a\\+b'],
    ['"x"', '\\"x\\"'],
    ['<x>;', '\\<x\\>\\;'],
    ['C:\\x', 'C:\\\\x'],
    [' x ', '\\ x\\ '],
    ['#x', '\\#x'],
    [' ', '\\ '],
    ['a\0', 'a\\00'],
  ])('%j is written %s', (value, written) => {
    expect(dnValue(value)).toBe(written);
  });

  test('whatever the value is, the first part of the name has it, and nothing behind it is taken in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(firstRdn(`uid=${dnValue(value)},dc=example`)).toEqual({ type: 'uid', value });
      }),
    );
  });

  test.each([
    ['CN=Sales\\, EU,OU=groups', { type: 'CN', value: 'Sales, EU' }],
    ['cn=J\\C3\\B6rg', { type: 'cn', value: 'Jörg' }],
    ['cn=#04024869,dc=example', undefined],
    ['cn=a+uid=b,dc=example', undefined],
    ['', undefined],
    ['cn', undefined],
    ['cn="a",dc=x', undefined],
  ])('%s begins with %j', (dn, rdn) => {
    expect(firstRdn(dn)).toEqual(rdn);
  });
});

test('a name that cannot be read takes no time to be refused', () => {
  expect(firstRdn(`cn=${'\\aa'.repeat(10_000)}+`)).toBeUndefined();
});

describe('templates', () => {
  test('a value that looks like a place for another one is not filled in', () => {
    expect(filledIn('(&(a={user})(b={dn}))', { user: '{dn}', dn: 'x' }, (value) => value)).toBe('(&(a={dn})(b=x))');
  });

  test('braces that name nothing stay', () => {
    expect(filledIn('{toString}{other}{user}', { user: 'x' }, (value) => value)).toBe('{toString}{other}x');
  });
});
