/** Guards of replies: asked behind everything that a command does, and nothing is told as a success that one of them refuses. */
import { expect, test } from 'vitest';
import { dispatch } from '../../src/engine/dispatch.ts';
import { PhaseTable } from '../../src/engine/phase-table.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { reply } from '../../src/protocol/reply.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import { defineCommand, type Outcome } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import { DECLINED, ERROR, type Module, type Result } from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';

const STOOD: Outcome = { reply: reply(250, 'Done.'), change: { kind: 'ChangeDirectory', path: ROOT } };

/** Carries out a command that comes to `outcome`, with these modules. */
function carryOut(modules: readonly Module[], { outcome = STOOD, clock = new FakeClock() } = {}) {
  const spec = { verb: 'TEST', class: 'misc', who: 'anyone', rfc: 'none', argument: NOTHING } as const;
  const command = defineCommand({ ...spec, handle: () => outcome });
  const table = new PhaseTable([command], modules);
  return dispatch(table, { command, context: contextWith({ clock }), argument: '', shownArgument: '', notes: {} });
}

/** A module that remembers the results that it was asked with. */
function witness(name: string): Module & { readonly seen: Result[] } {
  const seen: Result[] = [];
  return Object.assign({ name, onAcknowledge: (_: unknown, result: Result) => void seen.push(result) }, { seen });
}

test('one that throws a Fault makes a success that failure, and takes back what it would have changed', async () => {
  const refusing: Module = {
    name: 'a',
    onAcknowledge: () => Promise.reject(new Fault('AuditUnavailable')),
  };
  const { reply: answer, change } = await carryOut([refusing]);
  expect(answer.code).toBe(451);
  expect(change).toBeUndefined();
});

test('one that throws anything else, or hangs, refuses as well', async () => {
  const failing: Module = {
    name: 'a',
    onAcknowledge() {
      throw new Error('no Fault');
    },
  };
  expect((await carryOut([failing])).reply.code).toBe(451);
  const clock = new FakeClock();
  const hanging: Module = { name: 'a', onAcknowledge: () => new Promise<void>(() => undefined) };
  const carried = carryOut([hanging], { clock });
  await new Promise(setImmediate);
  clock.advance(10_000);
  expect((await carried).reply.code).toBe(451);
});

test('a failure stays what it is', async () => {
  const refusing: Module = { name: 'a', onAcknowledge: () => Promise.reject(new Fault('AuditUnavailable')) };
  expect((await carryOut([refusing], { outcome: { reply: reply(550, 'No.') } })).reply.code).toBe(550);
});

test('those behind one that refuses are asked about a failure that changes nothing', async () => {
  const refusing: Module = { name: 'a', onAcknowledge: () => Promise.reject(new Fault('AuditUnavailable')) };
  const [before, behind] = [witness('before'), witness('behind')];
  await carryOut(
    [before, refusing, behind].map(({ name, onAcknowledge }) => ({ name, ...(onAcknowledge && { onAcknowledge }) })),
  );
  expect(before.seen).toMatchObject([{ reply: { code: 250 }, change: { kind: 'ChangeDirectory' }, cause: undefined }]);
  expect(behind.seen).toMatchObject([{ reply: { code: 451 }, change: undefined, cause: { kind: 'AuditUnavailable' } }]);
});

test('they are told which module refused a command before it did anything', async () => {
  const guard: Module = {
    name: 'guard',
    handlers: [
      { phase: 'PRE_CMD', verb: '*', handle: () => DECLINED },
      { phase: 'PRE_CMD', verb: 'TEST', handle: () => ERROR(reply(550, 'No.')) },
    ],
  };
  const { seen, onAcknowledge } = witness('witness');
  await carryOut([guard, { name: 'witness', ...(onAcknowledge && { onAcknowledge }) }]);
  expect(seen).toMatchObject([{ reply: { code: 550 }, refusedBy: 'guard' }]);
});
