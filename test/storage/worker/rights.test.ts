import { describe, expect, test } from 'vitest';
import { parseRights, whyNotOf } from '../../../src/storage/worker/rights.ts';

const USER = { user: 'alice', uid: 1_001, gid: 1_002 };
const STATUS = `Name:\tnode
Uid:\t1001\t1001\t1001\t1001
Gid:\t1002\t1002\t1002\t1002
Groups:\t100 1002 
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
`;

test('the status of a process is read', () => {
  expect(parseRights(STATUS)).toEqual({
    uids: [1_001, 1_001, 1_001, 1_001],
    gids: [1_002, 1_002, 1_002, 1_002],
    groups: [100, 1_002],
    permitted: 0n,
    effective: 0n,
  });
  expect(parseRights(STATUS.replace('CapPrm:\t0000', 'CapPrm:\t8000')).permitted).toBe(1n << 63n);
});

describe('a process is not taken for that user', () => {
  test.each([
    ['whose saved user is root', 'Uid:\t1001\t1001\t1001\t1001', 'Uid:\t1001\t1001\t0\t1001'],
    ['whose real user is another', 'Uid:\t1001\t', 'Uid:\t1003\t'],
    ['whose group is that of the gateway', 'Gid:\t1002\t1002\t1002\t1002', 'Gid:\t0\t0\t0\t0'],
    ['whose saved group is another', 'Gid:\t1002\t1002\t1002', 'Gid:\t1002\t1002\t0'],
    ['that may have a capability', 'CapPrm:\t0000000000000000', 'CapPrm:\t0000000000000080'],
    ['that has a capability', 'CapEff:\t0000000000000000', 'CapEff:\t0000000000000001'],
  ])('%s', (_, was, is) => {
    expect(STATUS).toContain(was);
    expect(whyNotOf(USER, parseRights(STATUS.replace(was, is)), true)).toBeDefined();
  });

  test('that is root, even when root was asked for', () => {
    const root = parseRights(STATUS.replace(/100[12]/g, '0'));
    expect(whyNotOf({ user: 'root', uid: 0, gid: 0 }, root, true)).toBeDefined();
  });

  test.each(['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff'])('whose status has no %s', (line) => {
    expect(() => parseRights(STATUS.replace(`${line}:`, 'Other:'))).toThrow(`no ${line}`);
  });
});

test('a process is that user when all of its numbers are, and it has no capability of its own', () => {
  expect(whyNotOf(USER, parseRights(STATUS), true)).toBeUndefined();
  const kept = parseRights(STATUS.replace('CapEff:\t0000000000000000', 'CapEff:\t0000000000000400'));
  expect(whyNotOf(USER, kept, false)).toBeUndefined();
});
