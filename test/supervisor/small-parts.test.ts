/** What crosses between workers and the process above, and what is made of it there. */
import { describe, expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { Counts } from '../../src/modules/metrics-counters.ts';
import { countAll, countedItems, GatheredCounts } from '../../src/supervisor/counted.ts';
import { heldKeys } from '../../src/supervisor/held-keys.ts';
import { packedOptions, unpackedOptions } from '../../src/supervisor/messages.ts';
import { mergedReports } from '../../src/supervisor/reload-report.ts';

const options = gatewayOptions.parse({ listen: [{ port: 0 }], tls: { certificate: 'x', key: 'y' } });

describe('counts', () => {
  test('cross in batches within a second, and come to the same', () => {
    const clock = new FakeClock();
    const handed: unknown[] = [];
    const gathered = new GatheredCounts(clock, (items) => handed.push(JSON.parse(JSON.stringify(items))));
    gathered.counts.login('ok');
    for (let i = 0; i < 3; i++) gathered.counts.command('read', 'failed');
    gathered.counts.transfer('upload', 'ok', 10);
    gathered.counts.transfer('upload', 'ok', 5);
    gathered.counts.handshake({ channel: 'data', version: 'TLSv1.3', resumed: true });
    gathered.counts.handshakeFailed('control');
    clock.advance(999);
    expect(handed).toEqual([]);
    clock.advance(1);
    expect(handed.length).toBe(1);
    clock.advance(5_000);
    expect(handed.length).toBe(1);

    const counted: unknown[] = [];
    const note =
      (what: string) =>
      (...said: unknown[]) =>
        void counted.push([what, ...said]);
    const counts: Counts = {
      login: note('login'),
      transfer: note('transfer'),
      command: note('command'),
      handshake: ({ channel, version, resumed }, times) => note('handshake')(channel, version, resumed, times),
      handshakeFailed: note('handshakeFailed'),
    };
    countAll(countedItems.parse(handed[0]), counts);
    expect(counted).toEqual([
      ['login', 'ok', 1],
      ['command', 'read', 'failed', 3],
      ['transfer', 'upload', 'ok', 15, 2],
      ['handshake', 'data', 'TLSv1.3', true, 1],
      ['handshakeFailed', 'control', 1],
    ]);
  });

  test('are handed on when somebody asks', () => {
    const handed: unknown[] = [];
    const gathered = new GatheredCounts(new FakeClock(), (items) => handed.push(items));
    gathered.flush();
    expect(handed).toEqual([]);
    gathered.counts.login('failed');
    gathered.flush();
    expect(handed).toEqual([[{ what: 'login', result: 'failed', times: 1 }]]);
  });
});

test('of several reports each part is told once: what was refused before what was reloaded', () => {
  const unchanged = { part: 'a', outcome: 'unchanged' } as const;
  const reloaded = { part: 'a', outcome: 'reloaded' } as const;
  const refused = { part: 'a', outcome: 'refused', reason: 'why' } as const;
  expect(mergedReports([])).toEqual([]);
  expect(mergedReports([[unchanged], [reloaded]])).toEqual([reloaded]);
  expect(mergedReports([[reloaded], [refused], [unchanged]])).toEqual([refused]);
  const other = { part: 'b', outcome: 'reloaded' } as const;
  expect(mergedReports([[unchanged, other], [unchanged]])).toEqual([unchanged, other]);
});

test('what the process above holds stays as it is, and is told', () => {
  const wanted = { ...options, banner: 'New.', listen: [{ host: '::', port: 1, tls: 'implicit' as const }] };
  const { options: inForce, later } = heldKeys(options, wanted);
  expect(later).toEqual(['listen']);
  expect(inForce).toEqual({ ...options, banner: 'New.' });
  expect(heldKeys(options, { ...options }).later).toEqual([]);
});

describe('options', () => {
  test('arrive as they were', () => {
    const more = { ...options, motd: { at: new Date(7), of: new Set(['x']), pattern: /x/ } };
    expect(unpackedOptions(packedOptions(more))).toEqual(more);
  });

  test('that hold a function are refused in words', () => {
    const more = { ...options, motd: () => 'hello' };
    expect(() => packedOptions(more)).toThrow(/values of modules that cannot be handed to another process/);
  });
});
