import { expect, test } from 'vitest';
import { runAsWarnings } from '../../src/config/run-as-warnings.ts';

const value = {
  users: [{ name: 'a' }, { name: 'b', runAs: 'user' }],
  authentication: [{ type: 'unix', account: { runAs: 'user' } }, { type: 'users' }],
};
const source = {
  value,
  problemAt: (path: readonly (string | number)[], message: string) => ({
    ...{ file: 'f.yaml', line: 1, column: 1, path: path.join('.'), message },
  }),
};

test('a process that may not take on users is warned of each account that needs it', () => {
  const warnings = runAsWarnings(source, () => false);
  expect(warnings.map(({ message }) => message)).toEqual(
    Array(2).fill(expect.stringMatching(/^warning: is for a gateway/)),
  );
  expect(warnings.map((problem) => ('path' in problem ? problem.path : ''))).toEqual([
    'users.1.runAs',
    'authentication.0.account.runAs',
  ]);
});

test('root is not warned, and nobody is without such an account', () => {
  expect(runAsWarnings(source, () => true)).toEqual([]);
  expect(runAsWarnings({ ...source, value: { users: [{ runAs: 'gateway' }] } }, () => false)).toEqual([]);
});
