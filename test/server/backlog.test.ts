/** The lines that wait: in order, and counted by what keeping them costs. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { PhaseTable } from '../../src/engine/phase-table.ts';
import { Backlog, type WaitingLine } from '../../src/server/backlog.ts';
import { interpret } from '../../src/server/incoming.ts';

const table = new PhaseTable(COMMANDS, []);

function waiting(text: string): WaitingLine {
  const incoming = interpret({ kind: 'line', bytes: Buffer.from(text) }, table);
  if (incoming.kind === 'end') throw new Error('a line is no end');
  return incoming;
}

function filled(...texts: readonly string[]): Backlog {
  const backlog = new Backlog();
  for (const text of texts) backlog.push(waiting(text));
  return backlog;
}

test.each([
  ['nothing', [], 0],
  ['an empty line', [''], 64],
  ['a verb', ['NOOP'], 68],
  ['a verb and its argument', ['CWD /dir'], 71],
  ['an argument with bytes that are not ASCII', ['CWD é'], 69],
  ['a verb that nobody knows, whose argument is not kept', ['WHAT ever'], 68],
  ['a line of HTTP, of which nothing is kept', ['GET / HTTP/1.1'], 64],
  ['several lines', ['NOOP', '', 'CWD /dir'], 203],
])('%s costs its bytes and 64 for each line', (_, texts, bytes) => {
  expect(filled(...texts).bytes).toBe(bytes);
});

test('an ABOR among them is known until it is taken', () => {
  const backlog = filled('PWD', 'abor', 'ABOR', 'PWD');
  const known: boolean[] = [];
  while (!backlog.isEmpty) {
    known.push(backlog.holdsAbort);
    backlog.shift();
  }
  expect(known).toEqual([true, true, true, false]);
  expect(backlog.holdsAbort).toBe(false);
});

test('a cleared backlog holds nothing and costs nothing', () => {
  const backlog = filled('ABOR', 'PWD');
  backlog.clear();
  expect([backlog.isEmpty, backlog.bytes, backlog.holdsAbort, backlog.first]).toEqual([true, 0, false, undefined]);
});

test('lines leave in the order in which they came, and take their cost with them', () => {
  const text = fc.constantFrom('PWD', 'NOOP x', 'ABOR', '', 'WHAT', 'CWD dir', 'GET / HTTP/1.1');
  fc.assert(
    fc.property(fc.array(text), fc.nat(20), (texts, taken) => {
      const lines = texts.map(waiting);
      const backlog = new Backlog();
      for (const line of lines) backlog.push(line);
      for (const line of lines.slice(0, taken)) {
        expect(backlog.first).toBe(line);
        expect(backlog.shift()).toBe(line);
      }
      expect(backlog.bytes).toBe(filled(...texts.slice(taken)).bytes);
      expect(backlog.isEmpty).toBe(taken >= texts.length);
    }),
  );
});
