import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, kindsOfCommand, kindsOfEffect, type Question } from '../../src/access/rule-decision.ts';
import { formatRule, type Rule, ruleOptions, rulesDirective } from '../../src/access/rules.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { PATH } from '../../src/spi/argument.ts';
import type { CommandTraits } from '../../src/spi/command.ts';

describe('rules that are refused', () => {
  test.each<[string, object, RegExp]>([
    ['neither allow nor deny', { paths: ['/in'] }, /either allow or deny/],
    ['both', { allow: 'read', deny: 'write' }, /either allow or deny/],
    ['no kinds', { deny: [] }, /./],
    ['a verb in small letters', { deny: 'stor' }, /in capitals/],
    ['a class in capitals and small letters', { deny: 'Write' }, /must be auth/],
    ['a path without a slash in front', { deny: 'write', paths: 'in/**' }, /begin with a slash/],
    ['a path with a slash at the end', { deny: 'write', paths: ['/in/'] }, /slash at the end/],
    ['no paths', { deny: 'write', paths: [] }, /./],
    ['an empty user', { deny: 'write', users: 'alice,' }, /empty name/],
    ['a misspelt key', { deny: 'write', path: '/in' }, /./],
  ])('%s', (_, rule, expected) => {
    expect(ruleOptions.safeParse(rule).error?.message).toMatch(expected);
  });
});

test('a rule that is right passes the schema again unchanged', () => {
  const once = rule({ deny: 'write', paths: '*.exe', users: 'alice,!bob', groups: 'a,b', classes: ['x'] });
  expect(ruleOptions.parse(once)).toEqual(once);
  expect(once).toEqual({
    deny: ['write'],
    paths: ['*.exe'],
    users: { any: ['alice', '!bob'] },
    groups: { all: ['a', 'b'] },
    classes: { any: ['x'] },
  });
});

test('a rule is shown on one line', () => {
  expect(formatRule(rule({ deny: ['write', 'SITE CHMOD'], paths: '/in/**', users: 'alice,bob', groups: 'a,!b' }))).toBe(
    'deny write, SITE CHMOD at /in/** for users alice OR bob and groups a AND NOT b',
  );
});

test('inner rules are asked before outer ones', () => {
  const outer = [rule({ deny: 'all' })];
  const inner = [rule({ allow: 'read' }), rule({ deny: 'read' })];
  expect(rulesDirective.merge(outer, inner)).toEqual([...inner, ...outer]);
});

describe('which rules are about a question', () => {
  const STOR = {
    user: 'alice',
    groups: ['staff'],
    classes: ['office'],
    kinds: ['all', 'write', 'STOR'],
    path: at('/in/a.EXE'),
  };
  test.each<[string, object, Partial<Question>, string]>([
    ['its class', { deny: 'write' }, {}, 'decides'],
    ['its verb', { deny: 'STOR' }, {}, 'decides'],
    ['all', { deny: 'all' }, {}, 'decides'],
    ['another class', { deny: 'read' }, {}, 'kind'],
    ['login', { deny: 'login' }, {}, 'kind'],
    ['its path', { deny: 'all', paths: '/in/**' }, {}, 'decides'],
    ['its ending', { deny: 'all', paths: '*.exe' }, {}, 'decides'],
    ['another path', { deny: 'all', paths: '/out/**' }, {}, 'path'],
    ['a path, where none is touched', { deny: 'all', paths: '/**' }, { path: undefined }, 'path'],
    ['its user', { deny: 'all', users: 'alice' }, {}, 'decides'],
    ['the trap: !carol holds for alice', { deny: 'all', users: 'bob,!carol' }, {}, 'decides'],
    ['another user', { deny: 'all', users: 'bob' }, {}, 'user'],
    ['a negated user, before login', { deny: 'all', users: '!bob' }, { user: undefined }, 'user'],
    ['a negated group, before login', { deny: 'all', groups: '!x' }, { user: undefined, groups: [] }, 'group'],
    ['both of its groups', { deny: 'all', groups: 'staff,admin' }, {}, 'group'],
    ['one of its groups', { deny: 'all', groups: { any: ['staff', 'admin'] } }, {}, 'decides'],
    ['its class of sessions', { deny: 'all', classes: 'office' }, {}, 'decides'],
    ['its class of sessions, before login', { deny: 'all', classes: 'office' }, { user: undefined }, 'decides'],
    ['another class of sessions', { deny: 'all', classes: '!office' }, {}, 'class'],
  ])('%s', (_, options, question, expected) => {
    const { asked, verdict } = decide([rule(options)], { ...STOR, ...question });
    expect(asked[0]?.mismatch ?? 'decides').toBe(expected);
    expect(verdict).toBe(expected === 'decides' ? 'deny' : 'none');
  });
});

test('the first rule that fits decides, and none behind it is asked', () => {
  const kind = fc.constantFrom('read', 'write', 'all', 'STOR');
  const written = fc.record({
    allows: fc.boolean(),
    kind,
    path: fc.constantFrom(undefined, '/in/**', '/out', '*.csv'),
  });
  fc.assert(
    fc.property(fc.array(written, { maxLength: 6 }), fc.constantFrom('/in/a', '/out', '/b.csv'), (list, path) => {
      const rules = list.map(({ allows, kind: one, path: glob }) =>
        rule({ [allows ? 'allow' : 'deny']: one, ...(glob !== undefined && { paths: glob }) }),
      );
      const fits = { '/in/a': '/in/**', '/out': '/out', '/b.csv': '*.csv' }[path];
      const expected = list.findIndex((one) => one.kind !== 'read' && (one.path === undefined || one.path === fits));
      const decision = decide(rules, {
        user: 'a',
        groups: [],
        classes: [],
        kinds: ['all', 'write', 'STOR'],
        path: at(path),
      });
      expect(decision.asked.length).toBe(expected < 0 ? list.length : expected + 1);
      const verdict = expected < 0 ? 'none' : list[expected]?.allows === true ? 'allow' : 'deny';
      expect(decision.verdict).toBe(verdict);
    }),
  );
});

describe('the kinds of a command', () => {
  test('an alias counts as its command, and so does its command', () => {
    expect(kindsOfCommand(traits({ verb: 'MKD', aliases: ['XMKD'] }), '/a')).toEqual(['all', 'write', 'MKD', 'XMKD']);
  });
  test('what stands behind SITE is a kind of its own', () => {
    expect(kindsOfCommand(traits({ verb: 'SITE' }), 'chmod 644 a')).toEqual([
      'all',
      'write',
      'SITE',
      'SITE CHMOD',
      'CHMOD',
    ]);
  });
  test('verbs with digits can be named', () => {
    expect(rule({ deny: 'XSHA256' }).deny).toEqual(['XSHA256']);
  });
  test('all are those for members', () => {
    expect(kindsOfCommand(traits({ verb: 'AUTH', class: 'security', who: 'anyone' }), 'TLS')).toEqual([
      'security',
      'AUTH',
    ]);
  });
  test('a command of one class that reads is asked about as a reader too', () => {
    expect(kindsOfEffect(traits({ verb: 'CPTO' }), '/a', 'read')).toEqual([
      ['all', 'write', 'CPTO'],
      ['all', 'read', 'CPTO'],
    ]);
    expect(kindsOfEffect(traits({ verb: 'CPTO' }), '/a', 'write')).toEqual([['all', 'write', 'CPTO']]);
  });
});

function rule(written: object): Rule {
  return ruleOptions.parse(written);
}

function traits(own: Partial<CommandTraits>): CommandTraits {
  return { verb: 'STOR', class: 'write', who: 'members', rfc: '', help: '', argument: PATH, ...own };
}

function at(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}
