/** The states of a file between the doors, and every move that there is between them: one closed table, for people and for the code. */
import { assert } from '../../lib/assert.ts';

/**
 * Each state with those that may follow it:
 * - `receiving`: bytes arrive; nothing but a partial that nobody sees is on the disk;
 * - `incomplete`: it did not arrive whole; what is kept of it is storage's, to be resumed;
 * - `checking`: it arrived whole, is synced and held out of sight; gates look at it, then it is recorded and gets its name;
 * - `quarantined`: it is held back until an operator decides;
 * - `published`: it is recorded and has its name;
 * - `rejected`: nothing of it is left.
 */
export const ITEM_MOVES = {
  receiving: ['incomplete', 'checking', 'rejected'],
  incomplete: [],
  checking: ['quarantined', 'published', 'rejected'],
  quarantined: ['published', 'rejected'],
  published: [],
  rejected: [],
} as const satisfies Record<string, readonly string[]>;

/** A state. */
export type ItemState = keyof typeof ITEM_MOVES;

/** Every state, in the order in which a file comes to them. */
export const ITEM_STATES: readonly ItemState[] = [
  'receiving',
  'incomplete',
  'checking',
  'quarantined',
  'published',
  'rejected',
];

/** Whether nothing follows a state: the item is settled. */
export function isSettled(state: ItemState): boolean {
  return ITEM_MOVES[state].length === 0;
}

/** The state behind a move. @throws AssertionFailed for a move that is not in the table. */
export function moved(from: ItemState, to: ItemState): ItemState {
  const next: readonly ItemState[] = ITEM_MOVES[from];
  assert(next.includes(to), `an item moves from ${from} to ${next.join(' or ') || 'nothing'}, not to ${to}`);
  return to;
}
