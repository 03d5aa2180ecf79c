/** Guards of connections that take their time, and clients that do not wait for them. */
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { newSession } from '../../src/engine/apply-change.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Arrivals } from '../../src/server/arrivals.ts';
import { Fault } from '../../src/spi/fault.ts';
import { silentLog } from '../../src/spi/log.ts';
import { defineModule, type Module } from '../../src/spi/module.ts';

const at = (port: number) => ({ address: '192.0.2.1', port });
const session = newSession({ id: 's', peer: at(1), local: at(21) });

/** A guard that answers when the test says so, and counts whom it let in. */
function slowGuard() {
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let inside = 0;
  const module = defineModule({
    name: 'slow',
    async onConnect() {
      asked.resolve();
      await answer.promise;
      inside += 1;
    },
    onDisconnect() {
      inside -= 1;
    },
  });
  return { module, answer, asked: asked.promise, inside: () => inside };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function arriving(modules: readonly Module[]) {
  const arrivals = new Arrivals({ modules, log: silentLog, clock: systemClock });
  const socket = new Socket();
  socket.on('error', () => undefined);
  return { socket, letIn: arrivals.letsIn(socket, session, 'explicit') };
}

test('a guard that lets in who has left meanwhile is told of the end', async () => {
  const { module, answer, asked, inside } = slowGuard();
  const { socket, letIn } = arriving([module]);
  await asked;
  socket.destroy();
  expect(await letIn).toBe(false);
  expect(inside()).toBe(0);
  answer.resolve();
  await settled();
  expect(inside()).toBe(0);
});

test('a guard that refuses who has left meanwhile is told nothing', async () => {
  const { module, answer, asked, inside } = slowGuard();
  const { socket, letIn } = arriving([module]);
  await asked;
  socket.destroy();
  expect(await letIn).toBe(false);
  answer.reject(new Fault('TooManyConnections'));
  await settled();
  expect(inside()).toBe(0);
});

test('a guard that answers at the very moment at which the client leaves is told of the end once', async () => {
  const { module, answer, asked, inside } = slowGuard();
  const { socket, letIn } = arriving([module]);
  await asked;
  answer.resolve();
  socket.destroy();
  socket.emit('close');
  expect(await letIn).toBe(false);
  await settled();
  expect(inside()).toBe(0);
});

test('who is let in by all is in, and nobody is told of an end', async () => {
  const { module, answer, inside } = slowGuard();
  const { letIn } = arriving([module, slowlyNothing()]);
  answer.resolve();
  expect(await letIn).toBe(true);
  expect(inside()).toBe(1);
});

function slowlyNothing(): Module {
  return defineModule({ name: 'nothing', onConnect: () => settled().then(() => undefined) });
}
