import fc from 'fast-check';
import { expect, test } from 'vitest';
import { intakeDirective, intakeOptions, PROFILE_NAMES } from '../../src/intake/intake-directive.ts';
import { lettersUnder, resolvedIntake } from '../../src/intake/policy/profiles.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import { PERMISSION_LETTERS, parsePermissions } from '../../src/spi/permissions.ts';

const letters = (text: string) => parsePermissions(text) ?? expect.unreachable(text);
const left = (own: string, options: Parameters<typeof resolvedIntake>[0]) =>
  [...lettersUnder({ permissions: letters(own), directories: [] }, resolvedIntake(options), ROOT)].sort().join('');

test.each([
  [{ names: ['in/*'] }, 'has no slash'],
  [{ names: ['\\x'] }, 'backslash'],
  [{ types: ['exe'] }, 'must be one of pdf, zip, '],
  [{ profile: 'outbound' }, 'inbox'],
  [{ allow: 'x' }, 'permission letters'],
  [{ retainDays: 0 }, '1'],
  [{ quotaBytes: 0 }, '1'],
  [{ receiptInReply: true }, 'expected one of'],
])('%j is refused', (value, word) => {
  expect(intakeOptions.safeParse(value).error?.message).toContain(word);
});

test('without a profile and keys everything is as it is without intake', () => {
  expect(resolvedIntake({})).toMatchObject({
    profile: undefined,
    left: undefined,
    collision: 'replace',
    onIncomplete: undefined,
    gates: [],
    verdict: 'sync',
    onRefused: 'quarantine',
    encryptTo: [],
    deliver: [],
    receiptInReply: 'path',
  });
  expect(left('elradfmwMT', {})).toBe([...'elradfmwMT'].sort().join(''));
});

test.each([
  ['inbox', 'ew', 'refuse', 'keep'],
  ['drop', 'ew', 'version', 'remove'],
  ['outbox', 'elr', 'refuse', 'remove'],
  ['exchange', 'MTadeflmrw', 'version', undefined],
] as const)('%s leaves %s', (profile, leaves, collision, onIncomplete) => {
  expect(left('elradfmwMT', { profile })).toBe(leaves);
  expect(resolvedIntake({ profile })).toMatchObject({ collision, onIncomplete });
});

test('what a directory says goes before what its profile says', () => {
  const said = { profile: 'drop', collision: 'replace', onIncomplete: 'keep', receiptInReply: 'text' } as const;
  expect(resolvedIntake(said)).toMatchObject(said);
});

test('allow gives letters back, and none that the account has not', () => {
  expect(left('elrw', { profile: 'inbox', allow: 'ld' })).toBe('elw');
  const some = fc.subarray([...PERMISSION_LETTERS]).map((chosen) => chosen.join(''));
  fc.assert(
    fc.property(some, fc.constantFrom(...PROFILE_NAMES), some, (own, profile, allow) => {
      expect([...own]).toEqual(expect.arrayContaining([...left(own, { profile, allow })]));
    }),
  );
});

test('an inner place changes a key and leaves the others', () => {
  const merged = intakeDirective.merge({ profile: 'inbox', names: ['*.edi'] }, { names: ['*.xml'] });
  expect(merged).toEqual({ profile: 'inbox', names: ['*.xml'] });
});
