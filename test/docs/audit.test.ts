/** `docs/audit.md` against the events that there are. */
import { expect, test } from 'vitest';
import { AUDIT_EVENTS } from '../../src/spi/audit.ts';
import { rowsOf, textOf } from './tables.ts';

const page = textOf('docs/audit.md');
/** A file of another table whose name looks like one of an event. */
const KEY_FILE = '`audit.key`';

test('the table has every event once, in order, in the words of the program', () => {
  const rows = rowsOf(page, 2).filter(([name = '']) => /^`[a-z]+\.[a-z]+`$/.test(name) && name !== KEY_FILE);
  expect(rows).toEqual(Object.entries(AUDIT_EVENTS).map(([name, meaning]) => [`\`${name}\``, meaning]));
});

test('the six things that PCI DSS 10.2.2 asks for have members that records have', () => {
  const members = rowsOf(page, 3).flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z]+)`/g)].map(([, name]) => name));
  expect(members).toEqual(['who', 'event', 'time', 'result', 'reason', 'origin', 'object']);
});

test('what a record looks like is a record', () => {
  const text = /```json\n([\s\S]+?)```/.exec(page)?.[1] ?? '';
  const record: object = JSON.parse(text);
  expect(Object.keys(record)).toEqual(['time', 'event', 'result', 'who', 'origin', 'object']);
});
