/** What several workers share: decided at one place, and given back when a worker is gone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TotpLedger } from '../../../src/auth/totp.ts';
import { connectionCounts } from '../../../src/modules/connection-limits.ts';
import { TlsRecord } from '../../../src/modules/tls-record.ts';
import { DEFAULT_LIMITS } from '../../../src/protocol/limits.ts';
import { Fault } from '../../../src/spi/fault.ts';
import { stagingNames } from '../../../src/storage/staging-names.ts';
import { arrived } from '../../fakes/message-channel.ts';
import { sharedHouse } from '../../fixtures/shared-house.ts';
import { TOTP_SECRET, totpCode } from '../../fixtures/totp.ts';

const kindOf = (error: unknown) => (error instanceof Fault ? error.kind : String(error));
/** What a call came to: `yes`, or the kind of the fault. */
const came = (call: Promise<unknown> | unknown) =>
  Promise.resolve(call).then(
    () => 'yes',
    (error: unknown) => kindOf(error),
  );
const count = (answers: readonly string[], answer: string) => answers.filter((one) => one === answer).length;

test('of many that come to all workers at once, exactly as many are let in as there may be', async () => {
  const { worker } = sharedHouse({ connectionsMax: 10 });
  const workers = [worker(), worker(), worker(), worker()];
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => came(workers[i % 4]?.state.connections.connect(`s${i}`, `192.0.2.${i}`))),
  );
  expect(count(answers, 'yes')).toBe(10);
  expect(count(answers, 'TooManyConnections')).toBe(20);
});

test('an address and an account have so many places in all workers together', async () => {
  const { worker } = sharedHouse({ connectionsPerAddressMax: 3, connectionsPerAccountMax: 2 });
  const [one, other] = [worker().state.connections, worker().state.connections];
  for (const [counts, session] of [
    [one, 'a'],
    [other, 'b'],
    [other, 'c'],
  ] as const) {
    expect(await came(counts.connect(session, '192.0.2.1'))).toBe('yes');
  }
  expect(await came(one.connect('d', '192.0.2.1'))).toBe('TooManyConnections');
  expect(await came(one.logIn('a', 'alice'))).toBe('yes');
  expect(await came(other.logIn('b', 'alice'))).toBe('yes');
  expect(await came(other.logIn('c', 'alice'))).toBe('TooManyConnections');
  // A second login in one session counts once, and one as somebody else gives the place back.
  expect(await came(other.logIn('b', 'alice'))).toBe('yes');
  expect(await came(other.logIn('b', 'bob'))).toBe('yes');
  expect(await came(other.logIn('c', 'alice'))).toBe('yes');
  one.disconnect('a', '192.0.2.1');
  expect(await came(other.connect('e', '192.0.2.1'))).toBe('yes');
});

test('who was not let in is not counted down, and who is gone does not log in', async () => {
  const { worker } = sharedHouse({ connectionsMax: 1 });
  const { connections } = worker().state;
  await connections.connect('a', '192.0.2.1');
  expect(await came(connections.connect('b', '192.0.2.2'))).toBe('TooManyConnections');
  connections.disconnect('b', '192.0.2.2');
  expect(await came(connections.connect('c', '192.0.2.3'))).toBe('TooManyConnections');
  expect(await came(connections.logIn('b', 'alice'))).toBe('TooManyConnections');
});

test('a worker that is gone leaves its places to the others', async () => {
  const { worker } = sharedHouse({ connectionsMax: 2, connectionsPerAccountMax: 1 });
  const [one, other] = [worker(), worker()];
  await one.state.connections.connect('a', '192.0.2.1');
  await one.state.connections.logIn('a', 'alice');
  await other.state.connections.connect('b', '192.0.2.2');
  expect(await came(other.state.connections.logIn('b', 'alice'))).toBe('TooManyConnections');
  one.die();
  expect(await came(other.state.connections.logIn('b', 'alice'))).toBe('yes');
  expect(await came(other.state.connections.connect('c', '192.0.2.3'))).toBe('yes');
  expect(await came(other.state.connections.connect('d', '192.0.2.4'))).toBe('TooManyConnections');
  expect(await came(one.state.connections.connect('e', '192.0.2.5'))).toBe('Busy');
});

test('a connection whose answer comes too late is refused, and its place comes back', async () => {
  const { worker, clock } = sharedHouse({ connectionsMax: 1 });
  const [one, other] = [worker(), worker()];
  const connecting = came(one.state.connections.connect('a', '192.0.2.1'));
  // The question is asked and not yet on its way.
  await Promise.resolve();
  clock.advance(8_000);
  expect(await connecting).toBe('Busy');
  await arrived();
  expect(await came(other.state.connections.connect('b', '192.0.2.2'))).toBe('yes');
});

test('whatever workers do and whenever they end, the counts are those of one process', async () => {
  const limits = { connectionsMax: 5, connectionsPerAddressMax: 3, connectionsPerAccountMax: 2 };
  const step = fc.record({
    act: fc.constantFrom('connect', 'connect', 'logIn', 'disconnect', 'die'),
    worker: fc.nat(2),
    session: fc.nat(7),
    name: fc.constantFrom('alice', 'bob'),
    address: fc.constantFrom('192.0.2.1', '192.0.2.2'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { worker } = sharedHouse(limits);
      const model = connectionCounts(() => ({ ...DEFAULT_LIMITS, ...limits }));
      const open = new Map<string, { readonly worker: number; readonly address: string }>();
      const workers = [worker(), worker(), worker()];
      const leave = (session: string) => {
        const known = open.get(session);
        if (known !== undefined) model.disconnect(session, known.address);
        open.delete(session);
      };
      for (const { act, worker: number, session: at, name, address } of steps) {
        const { state, die } = workers[number] ?? worker();
        const session = `${number} ${at}`;
        if (act === 'connect' && !open.has(session)) {
          const expected = await came((async () => model.connect(session, address))());
          expect(await came(state.connections.connect(session, address))).toBe(expected);
          if (expected === 'yes') open.set(session, { worker: number, address });
        } else if (act === 'logIn' && open.has(session)) {
          const expected = await came((async () => model.logIn(session, name))());
          expect(await came(state.connections.logIn(session, name))).toBe(expected);
        } else if (act === 'disconnect') {
          state.connections.disconnect(session, address);
          leave(session);
        } else if (act === 'die') {
          die();
          for (const [id, { worker: of }] of [...open]) if (of === number) leave(id);
          workers[number] = worker();
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('an address that guesses at one worker is shut out at all of them', async () => {
  const { worker } = sharedHouse({ loginFailuresPerAddressMax: 3 });
  const [one, other] = [worker().state.logins, worker().state.logins];
  for (let i = 0; i < 3; i++) {
    const login = { session: `s${i}`, address: '192.0.2.1', user: 'alice' };
    await one.admit(login);
    one.settle(login, 'failed');
  }
  await arrived();
  expect(await came(other.admit({ session: 'x', address: '192.0.2.1', user: 'bob' }))).toBe('LockedOut');
  expect(await came(other.admit({ session: 'y', address: '192.0.2.2', user: 'bob' }))).toBe('yes');
});

test('guesses side by side at several workers are no more than there may be', async () => {
  const { worker } = sharedHouse({ loginFailuresPerAddressMax: 4 });
  const workers = [worker(), worker(), worker()];
  const logins = Array.from({ length: 12 }, (_, i) => ({ session: `s${i}`, address: '192.0.2.1', user: `user${i}` }));
  const admitted: number[] = [];
  const asked = logins.map(async (login, i) => {
    await workers[i % 3]?.state.logins.admit(login);
    admitted.push(i);
  });
  const answers = asked.map((one) => came(one));
  await arrived();
  expect(admitted).toHaveLength(4);
  for (const i of admitted) {
    const login = logins[i];
    if (login !== undefined) workers[i % 3]?.state.logins.settle(login, 'failed');
  }
  expect(count(await Promise.all(answers), 'LockedOut')).toBe(8);
});

test('a login that waits gets the place of one whose worker is gone', async () => {
  const { worker } = sharedHouse({ loginFailuresPerAddressMax: 1 });
  const [one, other] = [worker(), worker()];
  await one.state.logins.admit({ session: 'a', address: '192.0.2.1', user: 'alice' });
  const waiting = came(other.state.logins.admit({ session: 'b', address: '192.0.2.1', user: 'alice' }));
  await arrived();
  one.die();
  expect(await waiting).toBe('yes');
});

test('a login that waits too long is told so, and takes no place later', async () => {
  const { worker, clock } = sharedHouse({ loginFailuresPerAddressMax: 1 });
  const [one, other] = [worker(), worker()];
  const first = { session: 'a', address: '192.0.2.1', user: 'alice' };
  await one.state.logins.admit(first);
  const waiting = came(other.state.logins.admit({ ...first, session: 'b' }));
  await arrived();
  clock.advance(8_000);
  expect(await waiting).toBe('Busy');
  await arrived();
  one.state.logins.settle(first, 'unproven');
  expect(await came(other.state.logins.admit({ ...first, session: 'c' }))).toBe('yes');
});

test('a code is good once, in whatever worker, and the secret never leaves its own', async () => {
  const { worker, clock } = sharedHouse();
  const [one, other] = [worker(), worker()];
  const secret = TOTP_SECRET;
  const code = totpCode(clock.now() / 1_000);
  const answers = await Promise.all([
    one.state.codes.spend('alice', secret, code),
    other.state.codes.spend('alice', secret, code),
  ]);
  expect(answers).toEqual([undefined, 'the code was used before']);
  expect(await one.state.codes.spend('alice', secret, '000000')).toBe('wrong code');
  expect(await other.state.codes.spend('alice', secret, undefined)).toBe('no code behind the password');
  expect(JSON.stringify([one.port.sent, other.port.sent])).not.toContain(secret);
});

test('wrong codes at several workers are counted together', async () => {
  const { worker, clock } = sharedHouse();
  const workers = [worker(), worker()];
  const alone = new TotpLedger(clock);
  const secret = TOTP_SECRET;
  for (let i = 0; i < 12; i++) {
    expect(await workers[i % 2]?.state.codes.spend('alice', secret, 'no')).toBe(alone.spend('alice', secret, 'no'));
  }
});

test('two workers that upload the same have names of their own, and see each other', async () => {
  const { worker } = sharedHouse();
  const [one, other] = [worker(), worker()];
  const names = stagingNames('alice', 'a.txt', 'boot');
  const first = await one.state.uploads.claim('1:2', names);
  const second = await other.state.uploads.claim('1:2', names);
  expect([first.first, second.first]).toEqual([true, false]);
  expect(first.name).toBe(names.active);
  expect(second.name).not.toBe(first.name);
  expect([await first.alone(), await second.alone()]).toEqual([false, false]);
  expect(await other.state.uploads.isActive('1:2', names)).toBe(true);
  expect(await other.state.uploads.isBusy('1:2')).toBe(true);
  expect(await other.state.uploads.isBusy('1:3')).toBe(false);
  first.release();
  expect(await one.state.uploads.isActive('1:2', names)).toBe(false);
  expect(await second.alone()).toBe(true);
  other.die();
  await arrived();
  expect(await one.state.uploads.isBusy('1:2')).toBe(false);
});

test('a name is decided about by one at a time, and comes free with the end of whoever had it', async () => {
  const { worker } = sharedHouse();
  const [one, other, third] = [worker(), worker(), worker()];
  const release = await one.state.names.turn('/home/a.txt');
  expect(await other.state.names.take('/home/a.txt')).toBeUndefined();
  const turns: string[] = [];
  const second = Promise.resolve(other.state.names.turn('/home/a.txt')).then(() => void turns.push('second'));
  void Promise.resolve(third.state.names.turn('/home/a.txt')).then(
    () => turns.push('third'),
    () => undefined,
  );
  await arrived();
  expect(turns).toEqual([]);
  // One that waits is gone before its turn has come.
  third.die();
  release();
  await second;
  expect(turns).toEqual(['second']);
  expect(await one.state.names.take('/home/a.txt')).toBeUndefined();
  other.die();
  await arrived();
  const taken = await one.state.names.take('/home/a.txt');
  expect(taken).toBeTypeOf('function');
});

test('what cannot be asked is refused: nothing is counted as if it were free', async () => {
  const { worker } = sharedHouse();
  const { state, die } = worker();
  die();
  const names = stagingNames('alice', 'a.txt', 'boot');
  const answers = [
    state.connections.connect('a', '192.0.2.1'),
    state.connections.logIn('a', 'alice'),
    state.logins.admit({ session: 'a', address: '192.0.2.1', user: 'alice' }),
    state.codes.spend('alice', 'JBSWY3DPEHPK3PXP', '123456'),
    state.uploads.claim('1:2', names),
    state.uploads.isActive('1:2', names),
    state.uploads.isBusy('1:2'),
    state.names.take('x'),
    state.names.turn('x'),
    state.sessions?.of('alice'),
  ];
  expect(await Promise.all(answers.map(came))).toEqual(answers.map(() => 'Busy'));
});

test('the sessions of an account in other workers are asked for', async () => {
  const session = { id: 'b', account: 'alice', address: '192.0.2.1', sinceMs: 1, transfer: 'RETR' };
  const asked: string[] = [];
  const { worker } = sharedHouse(
    {},
    {
      async sessionsOf(account) {
        asked.push(account);
        return [session, { ...session, id: 'c', transfer: undefined }];
      },
    },
  );
  const { state } = worker();
  expect(await state.sessions?.of('alice')).toEqual([session, { ...session, id: 'c', transfer: undefined }]);
  expect(asked).toEqual(['alice']);
});

test('with what TLS clients come is in one record, whichever worker has seen it', async () => {
  const record = new TlsRecord(0);
  const { worker } = sharedHouse({}, { sightings: record });
  const [one, other] = [worker().state.sightings, worker().state.sightings];
  const control = { channel: 'control', version: 'TLSv1.3', serverName: true, certificate: 'none' } as const;
  const data = { channel: 'data', use: 'upload', version: 'TLSv1.3', resumed: true } as const;
  one?.seeLogin('alice', control, { network: '192.0.2.1', nowMs: 1 });
  other?.seeLogin('alice', control, { network: '192.0.2.2', nowMs: 2 });
  other?.see('alice', data, 3);
  one?.refuse('192.0.2.3', 'version', 4);
  await arrived();
  const { accounts, strangers } = JSON.parse([...record.lines(5)].join(''));
  expect(accounts).toEqual([
    {
      ...{ name: 'alice', dropped: 0 },
      networks: [
        { network: '192.0.2.1', count: 1, firstMs: 1, lastMs: 1 },
        { network: '192.0.2.2', count: 1, firstMs: 2, lastMs: 2 },
      ],
      behaviours: [
        { behaviour: control, count: 2, firstMs: 1, lastMs: 2 },
        { behaviour: data, count: 1, firstMs: 3, lastMs: 3 },
      ],
    },
  ]);
  expect(strangers).toEqual([{ network: '192.0.2.3', why: 'version', count: 1, firstMs: 4, lastMs: 4 }]);
});

test('what no worker says is refused and changes nothing', async () => {
  const { worker, failed } = sharedHouse({ connectionsMax: 1 });
  const { correspondent, state } = worker();
  await expect(correspondent.ask('state.connect', { session: 1 })).rejects.toThrow();
  correspondent.tell('state.disconnect', { session: 'a', more: true });
  await expect(correspondent.ask('state.alone', { hold: 7 })).rejects.toThrow(
    'who asks whether it is alone has a claim',
  );
  expect(failed).toHaveLength(1);
  expect(await came(state.connections.connect('a', '192.0.2.1'))).toBe('yes');
});
