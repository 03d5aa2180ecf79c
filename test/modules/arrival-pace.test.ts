/** The pace of new connections, with a loop whose load and processor time the test sets. */
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { arrivalPace } from '../../src/modules/arrival-pace.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { HandlerOf, Phase } from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';

const traits = { verb: 'RETR', class: 'read', who: 'members', rfc: 'none', help: 'RETR', argument: NOTHING } as const;

function paced(loop: { share: number; cpuMs: number } = { share: 1, cpuMs: 0 }) {
  const clock = new FakeClock();
  const module = arrivalPace({ clock, loopLoad: { share: () => loop.share, cpuMs: () => loop.cpuMs } });
  const { session } = contextWith({});
  const connected: string[] = [];
  /** A connection; `connected` has its name once it was let in, or its name and the code that it was sent away with. */
  const connect = async (name: string, address = '192.0.2.1') => {
    const peer = { address, port: 1 };
    const code = await Promise.resolve(module.onConnect?.(peer, { ...session, id: name, peer })).then(
      () => '',
      (error: unknown) => ` ${error instanceof Fault ? error.code : error}`,
    );
    connected.push(`${name}${code}`);
  };
  const handler = <P extends Phase>(phase: P) => {
    const found = module.handlers?.find((each): each is HandlerOf<P> & typeof each => each.phase === phase);
    if (found === undefined) throw new Error(`no ${phase} handler`);
    return found;
  };
  const request = (id: string, data: CommandTraits['data']) => ({
    ...{ traits: { ...traits, ...(data !== undefined && { data }) }, argument: '' },
    context: contextWith({ clock, session: { ...session, id } }),
    respond: { add: () => undefined, addError: () => undefined },
  });
  const begin = (id = 'mover') => handler('PRE_CMD').handle(request(id, 'transfers'));
  const end = (id = 'mover') => {
    const result = { reply: reply(226, ''), cause: undefined, durationMs: 0, notes: {} };
    return handler('LOG_CMD').handle(request(id, 'transfers'), result);
  };
  /** Lets time pass, and what waits for it come to pass. */
  const pass = async (ms: number, cpuMs = 0) => {
    loop.cpuMs += cpuMs;
    for (let left = ms; left > 0; left -= 5) {
      clock.advance(Math.min(5, left));
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  };
  return { module, loop, connected, connect, begin, end, pass };
}

/** One that a transfer of some length keeps busy, and where one connection has just been let in. */
async function crowded(loop?: { share: number; cpuMs: number }) {
  const gate = paced(loop);
  await gate.begin();
  await gate.pass(1_000);
  await gate.connect('first');
  expect(gate.connected.splice(0)).toEqual(['first']);
  return gate;
}

describe('while a transfer keeps the loop busy', () => {
  test('who comes right behind another waits until the thread has worked for 60 ms', async () => {
    const { connect, connected, pass } = await crowded();
    void connect('second');
    await pass(10, 59);
    expect(connected).toEqual([]);
    await pass(10, 1);
    expect(connected).toEqual(['second']);
  });

  test('and for half a second at most, however little the thread gets', async () => {
    const { connect, connected, pass } = await crowded();
    void connect('second');
    await pass(495);
    expect(connected).toEqual([]);
    await pass(10);
    expect(connected).toEqual(['second']);
  });

  test('networks take turns', async () => {
    const { connect, connected, pass } = await crowded();
    for (const name of ['f1', 'f2', 'f3']) void connect(name);
    for (const name of ['v1', 'v2']) void connect(name, `2001:db8::${name.slice(1)}`);
    void connect('partner', '198.51.100.7');
    for (let turn = 0; turn < 6; turn++) await pass(10, 60);
    expect(connected).toEqual(['f1', 'v1', 'partner', 'f2', 'v2', 'f3']);
  });

  test('who has waited for eight seconds is told that the server is busy', async () => {
    const { connect, connected, pass } = await crowded();
    for (let number = 1; number <= 20; number++) void connect(`f${number}`);
    await pass(7_995);
    expect(connected.filter((name) => name.endsWith(' 421'))).toEqual([]);
    const inTime = connected.length;
    expect(inTime).toBe(15);
    await pass(10);
    expect(connected.slice(inTime)).toEqual(['f16 421', 'f17 421', 'f18 421', 'f19 421', 'f20 421']);
  });

  test('no more than 1,024 wait, and whoever has most of them gives one up', async () => {
    const { connect, connected } = await crowded();
    for (let number = 1; number <= 1_024; number++) void connect(`f${number}`);
    await connect('f1025');
    expect(connected).toEqual(['f1025 421']);
    void connect('partner', '198.51.100.7');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(connected).toEqual(['f1025 421', 'f1024 421']);
  });

  test('between two files of one who fetches several, too', async () => {
    const { connect, connected, end, pass } = await crowded();
    await end();
    void connect('second');
    await pass(100);
    expect(connected).toEqual([]);
    await pass(400);
    expect(connected).toEqual(['second']);
  });
});

describe('nobody waits', () => {
  test.each([
    ['while nothing is transferred', async () => paced()],
    ['while transfers leave the loop a rest', async () => crowded({ share: 0.59, cpuMs: 0 })],
    [
      'while transfers are short',
      async () => {
        const gate = paced();
        for (const id of ['a', 'b', 'c']) {
          await gate.begin(id);
          await gate.pass(90);
          await gate.end(id);
        }
        await gate.begin();
        return gate;
      },
    ],
    [
      'behind the last transfer',
      async () => {
        const gate = await crowded();
        await gate.end();
        await gate.pass(500);
        return gate;
      },
    ],
    [
      'behind a session that ended in its transfer',
      async () => {
        const gate = await crowded();
        const { session } = contextWith({});
        await gate.module.onDisconnect?.({ ...session, id: 'mover' });
        await gate.pass(500);
        return gate;
      },
    ],
  ])('%s', async (_, made) => {
    const { connect, connected } = await made();
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => connect(name)));
    expect(connected).toEqual(['a', 'b', 'c', 'd']);
  });

  test('who waits comes in when the loop has time again', async () => {
    const { connect, connected, loop, pass } = await crowded();
    for (const name of ['a', 'b']) void connect(name);
    await pass(50);
    expect(connected).toEqual([]);
    loop.share = 0.5;
    await pass(10);
    expect(connected).toEqual(['a', 'b']);
  });
});
