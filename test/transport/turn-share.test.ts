/** What a turn of the event loop takes in: all of it for one who reads alone, equal parts for several. */
import { expect, test } from 'vitest';
import { CloseNotifyGuard } from '../../src/transport/close-notify-guard.ts';
import { TURN_BYTES, Turns } from '../../src/transport/turn-share.ts';
import { socketPair } from '../fixtures/socket-pair.ts';

test('one who reads alone has the whole turn, and the next one too', () => {
  const { turns, endTurn } = manualTurns();
  const share = turns.share();
  for (let turn = 0; turn < 3; turn += 1) {
    expect(share.used(TURN_BYTES - 1)).toBe(false);
    expect(share.used(1)).toBe(true);
    endTurn();
  }
});

test('those who read together have equal parts, from the second turn on', () => {
  const { turns, endTurn } = manualTurns();
  const shares = [turns.share(), turns.share(), turns.share(), turns.share()];
  for (const share of shares) share.used(1);
  endTurn();
  for (const share of shares) {
    expect(share.used(TURN_BYTES / 4 - 1)).toBe(false);
    expect(share.used(1)).toBe(true);
  }
  endTurn();
  // Three have nothing to read any more: the turn after that belongs to the fourth.
  const [last] = shares;
  last?.used(1);
  endTurn();
  expect(last?.used(TURN_BYTES - 1)).toBe(false);
});

test('a socket that has much to read leaves the event loop between its shares', async () => {
  const { accepted: near, client: far } = await socketPair({ pauseOnConnect: true });
  const guard = new CloseNotifyGuard(near, () => undefined, 65_536);
  let bytes = 0;
  let turnBytes = 0;
  let mostBytes = 0;
  let pauses = 0;
  near.on('pause', () => (pauses += 1));
  guard.on('data', (chunk: Buffer) => {
    if (turnBytes === 0) setImmediate(() => (turnBytes = 0));
    bytes += chunk.length;
    turnBytes += chunk.length;
    mostBytes = Math.max(mostBytes, turnBytes);
  });
  // No TLS record, and none of the guard's business as long as it does not look for one.
  guard.release();
  const totalBytes = 12 * TURN_BYTES;
  far.end(Buffer.alloc(totalBytes, 1));
  await expect.poll(() => guard.endSeen).toBe(true);
  expect(bytes).toBe(totalBytes);
  // Also where the system hands over too little at a time to pass it otherwise.
  expect(pauses).toBeGreaterThan(1);
  // The read that passes the share belongs to it.
  expect(mostBytes).toBeLessThanOrEqual(TURN_BYTES + 262_144);
});

/** Turns that end when the test says so. */
function manualTurns() {
  let calls: (() => void)[] = [];
  const turns = new Turns((call) => calls.push(call));
  const endTurn = () => {
    const ended = calls;
    calls = [];
    for (const call of ended) call();
  };
  return { turns, endTurn };
}
