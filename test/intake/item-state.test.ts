/** The table of states: what is not in it cannot happen. */
import { describe, expect, test } from 'vitest';
import { ITEM_MOVES, ITEM_STATES, isSettled, moved } from '../../src/intake/doors/item-state.ts';
import { Items } from '../../src/intake/doors/items.ts';
import { AssertionFailed } from '../../src/lib/assert.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import { path } from './doors.ts';

describe('states', () => {
  test('every move that is not in the table is a mistake of ours', () => {
    for (const from of ITEM_STATES) {
      for (const to of ITEM_STATES) {
        const allowed: readonly string[] = ITEM_MOVES[from];
        if (allowed.includes(to)) expect(moved(from, to)).toBe(to);
        else expect(() => moved(from, to)).toThrow(AssertionFailed);
      }
    }
  });

  test('the table names every state, and from each an end can be reached', () => {
    expect([...ITEM_STATES].sort()).toEqual(Object.keys(ITEM_MOVES).sort());
    for (const from of ITEM_STATES) expect(isSettled(from) || ITEM_MOVES[from].some((to) => to !== from)).toBe(true);
    expect(ITEM_STATES.filter(isSettled)).toEqual(['incomplete', 'published', 'rejected']);
  });
});

test('items tell since when they are what they are, and only the last settled ones are kept', () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const items = new Items(clock, log);
  const startMs = clock.now();
  const add = (id: string) => items.add({ id, state: 'receiving', account: 'partner', path: path('/a'), bytes: 0 });
  add('first');
  clock.advance(1_000);
  items.move('first', 'checking', { bytes: 7 });
  expect(items.all).toMatchObject([{ state: 'checking', bytes: 7, sinceMs: startMs + 1_000 }]);
  items.move('first', 'quarantined', { reason: 'scan' });
  expect(log.of('intake.moved').at(-1)).toMatchObject({ upload: 'first', from: 'checking', to: 'quarantined' });
  for (let count = 0; count < 2_000; count++) {
    add(`id-${count}`);
    items.move(`id-${count}`, 'incomplete');
  }
  expect(items.all[0]).toMatchObject({ id: 'first', state: 'quarantined' });
  expect(items.all.length).toBeLessThanOrEqual(513);
  // What is settled stays as it is.
  items.move('id-1999', 'published');
  expect(items.all.at(-1)).toMatchObject({ id: 'id-1999', state: 'incomplete' });
});
