/** Parts of others that hang: they hold neither a session nor its places, nor the end of the gateway. */
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { reply } from '../../src/protocol/reply.ts';
import type { Authenticator } from '../../src/spi/authenticator.ts';
import type { CommandContext } from '../../src/spi/command.ts';
import { defineModule, HANDLED, type Handled, type Module } from '../../src/spi/module.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';

const never = () => new Promise<never>(() => undefined);

/** A CMD handler of a verb that answers when it is told to. */
function waiter(verb: string) {
  const asked = Promise.withResolvers<CommandContext>();
  const answer = Promise.withResolvers<Handled>();
  const handle = ({ context }: { context: CommandContext }) => {
    asked.resolve(context);
    return answer.promise;
  };
  const module: Module = defineModule({ name: 'waiter', handlers: [{ phase: 'CMD', verb, handle }] });
  return { module, asked: asked.promise, answer: answer.resolve };
}

/** Lets time pass until the gateway has so many sessions. */
async function untilSessions(gateway: TestGateway, clock: FakeClock, count: number): Promise<void> {
  const passed = () => {
    clock.advance(1_000);
    return gateway.gateway.sessionCount;
  };
  await expect.poll(passed).toBe(count);
}

describe.each(['PWD', 'EPSV', 'NLST'])('a %s that hangs', (verb) => {
  test('does not outlive its client, and what it comes to is of no account', async () => {
    const clock = new FakeClock(Date.now());
    const { module, asked, answer } = waiter(verb);
    const gateway = await startGateway({ limits: { connectionsMax: 1 } }, {}, { clock, modules: [module] });
    const client = await RawClient.login(gateway);
    client.write(`${verb}\r\n`);
    const context = await asked;
    client.close();
    await untilSessions(gateway, clock, 0);
    expect(context.signal.aborted).toBe(true);
    expect(gateway.log.of('command.abandoned')).toMatchObject([{ verb }]);
    answer(HANDLED(reply(200, 'Late.'), { kind: 'Close' }));
    await expect(context.data.listen()).rejects.toMatchObject({ kind: 'Aborted' });
    expect(gateway.log.entries.filter(({ level }) => level === 'error').map(({ event }) => event)).toEqual([
      'command.abandoned',
    ]);
    // Its place is free, for its account as well.
    await RawClient.login(gateway);
  });

  test('does not hold up the end of the gateway', async () => {
    const clock = new FakeClock(Date.now());
    const { module, asked } = waiter(verb);
    const gateway = await startGateway({}, {}, { clock, modules: [module] });
    const client = await RawClient.login(gateway);
    client.write(`${verb}\r\n`);
    await asked;
    const closed = gateway.gateway.close({ graceMs: 5_000 });
    await untilSessions(gateway, clock, 0);
    await closed;
    await client.end();
  });

  test('does not hold up the operator who ends the session, and the client reads why', async () => {
    const clock = new FakeClock(Date.now());
    const { module, asked } = waiter(verb);
    const gateway = await startGateway({}, {}, { clock, modules: [module] });
    const client = await RawClient.login(gateway);
    client.write(`${verb}\r\n`);
    const { session } = await asked;
    const ended = gateway.gateway.disconnect(session.id);
    await untilSessions(gateway, clock, 0);
    expect(await ended).toBe(true);
  });
});

test('what is slow and not stuck is waited for while its client is there', async () => {
  const clock = new FakeClock(Date.now());
  const { module, asked, answer } = waiter('PWD');
  const gateway = await startGateway({}, {}, { clock, modules: [module] });
  const client = await RawClient.login(gateway);
  client.write('PWD\r\n');
  await asked;
  clock.advance(3_600_000);
  answer(HANDLED(reply(257, 'At last.')));
  expect(await client.reply()).toBe('257 At last.');
});

test('an authenticator that never answers ends with the time for logins', async () => {
  const clock = new FakeClock(Date.now());
  const asked = Promise.withResolvers<void>();
  const deaf: Authenticator = {
    name: 'deaf',
    authenticate: () => {
      asked.resolve();
      return never();
    },
  };
  const gateway = await startGateway({}, {}, { clock, authenticators: [deaf] });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER partner');
  client.write(`PASS ${gateway.password}\r\n`);
  await asked.promise;
  clock.advance(60_000);
  await untilSessions(gateway, clock, 0);
  expect(await client.reply()).toMatch(/^530/);
  expect(await client.reply()).toMatch(/^421 Closed: no login in time/);
  expect(gateway.log.of('login.authenticator_failed')).toMatchObject([{ authenticator: 'deaf' }]);
});

test('a login that hangs behind its proof ends with its client, and counts no longer', async () => {
  const clock = new FakeClock(Date.now());
  const asked = Promise.withResolvers<void>();
  let hangs = true;
  const onLogin = () => {
    asked.resolve();
    return hangs ? never() : undefined;
  };
  const gateway = await startGateway(
    { limits: { connectionsPerAccountMax: 1 } },
    {},
    { clock, modules: [defineModule({ name: 'slow', onLogin })] },
  );
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER partner');
  client.write(`PASS ${gateway.password}\r\n`);
  await asked.promise;
  client.close();
  await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  hangs = false;
  const next = await RawClient.login(gateway);
  expect(await next.send('PWD')).toMatch(/^257/);
});
