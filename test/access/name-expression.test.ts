import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatExpression,
  matches,
  type NameExpression,
  nameExpression,
  negatedInOrList,
} from '../../src/access/name-expression.ts';

const OR = nameExpression('any');
const AND = nameExpression('all');

describe("every example of the developer's guide", () => {
  test.each<[string, NameExpression, readonly string[], boolean]>([
    ['group1,group2 as AND, in both', AND.parse('group1,group2'), ['group1', 'group2'], true],
    ['group1,group2 as AND, in the first alone', AND.parse('group1,group2'), ['group1'], false],
    ['group1,group2 as AND, in none', AND.parse('group1,group2'), [], false],
    ['group1,!group2 as AND, in group1 alone', AND.parse('group1,!group2'), ['group1'], true],
    ['group1,!group2 as AND, in both', AND.parse('group1,!group2'), ['group1', 'group2'], false],
    ['group1,!group2 as AND, in neither', AND.parse('group1,!group2'), [], false],
    ['user1,user2 as OR, for user1', OR.parse('user1,user2'), ['user1'], true],
    ['user1,user2 as OR, for user2', OR.parse('user1,user2'), ['user2'], true],
    ['user1,user2 as OR, for user3', OR.parse('user1,user2'), ['user3'], false],
    ['the trap: user2,!user3 as OR is true for user1', OR.parse('user2,!user3'), ['user1'], true],
    ['user2,!user3 as OR, for user2', OR.parse('user2,!user3'), ['user2'], true],
    ['user2,!user3 as OR, for user3', OR.parse('user2,!user3'), ['user3'], false],
    ['!user2,!user3 as AND, for user1', AND.parse('!user2,!user3'), ['user1'], true],
    ['!user2,!user3 as AND, for user2', AND.parse('!user2,!user3'), ['user2'], false],
    ['!user2,!user3 as AND, for user3', AND.parse('!user2,!user3'), ['user3'], false],
    ['!user2,!user3 as OR is true for everybody', OR.parse('!user2,!user3'), ['user3'], true],
  ])('%s: %s', (_, expression, own, expected) => {
    expect(matches(expression, (name) => own.includes(name))).toBe(expected);
  });
});

describe('what is no expression', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing between commas', 'alice,,bob', /empty name/],
    ['an empty text', '', /empty name/],
    ['a list without names', [], /at least one/],
    ['! alone', 'alice,!', /empty name/],
    ['two !', '!!alice', /more than one !/],
    ['a space behind !', '! alice', /space behind !/],
    ['a number', [7], /no text/],
    ['a control character', ['a\u0000b'], /control character/],
    ['a name too long', 'a'.repeat(257), /256/],
    ['too many names', Array.from({ length: 1_001 }, (_, index) => `user${index}`), /1000/],
    ['both kinds', { any: ['a'], all: ['b'] }, /either/],
    ['neither kind', {}, /either/],
    ['a kind that there is not', { none: ['a'] }, /either/],
    ['a text behind any', { any: 'a' }, /list behind any/],
    ['true', true, /must be names/],
  ])('%s', (_, written, expected) => {
    const result = OR.safeParse(written);
    expect(result.error?.issues[0]?.message).toMatch(expected);
  });
});

test('spaces around names are cut off, in a text and in a list', () => {
  expect(OR.parse(' alice , !bob ')).toEqual({ any: ['alice', '!bob'] });
  expect(OR.parse({ all: [' Domain Users '] })).toEqual({ all: ['Domain Users'] });
});

test('only a negation beside other terms of an OR list is the trap', () => {
  expect(negatedInOrList(OR.parse('user2,!user3'))).toEqual(['!user3']);
  expect(negatedInOrList(OR.parse('!user3'))).toEqual([]);
  expect(negatedInOrList(AND.parse('user2,!user3'))).toEqual([]);
});

test('an expression is shown with its words', () => {
  expect(formatExpression(OR.parse('alice,!bob'))).toBe('alice OR NOT bob');
  expect(formatExpression(AND.parse('a,b'))).toBe('a AND b');
});

test('every expression says what a naive reading of its list says, and passes its schema again unchanged', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const term = fc.record({ name, negated: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(term, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(name),
      fc.constantFrom('any' as const, 'all' as const),
      fc.constantFrom('text' as const, 'list' as const, 'key' as const),
      (terms, own, mode, form) => {
        const list = terms.map((one) => `${one.negated ? '!' : ''}${one.name}`);
        const written = { text: list.join(','), list, key: { [mode]: list } }[form];
        const expression = nameExpression(form === 'key' ? 'any' : mode).parse(written);
        const truths = terms.map((one) => own.includes(one.name) !== one.negated);
        const expected = mode === 'any' ? truths.includes(true) : !truths.includes(false);
        expect(matches(expression, (one) => own.some((mine) => mine === one))).toBe(expected);
        expect(OR.parse(expression)).toEqual(expression);
        expect(AND.parse(expression)).toEqual(expression);
      },
    ),
  );
});
