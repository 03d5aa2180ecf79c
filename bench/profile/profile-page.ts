/** A profile as tables: by group, by function and by thread. */
import { table } from '../report.ts';
import { type Frame, type SelfTime, selfTimes } from './cpu-profile.ts';
import { groupOf } from './groups.ts';
import type { Look } from './watched.ts';

/** What is told. */
export interface Profiled {
  readonly title: string;
  /** Profiles of all processes of the server, as they were written. */
  readonly texts: readonly string[];
  /** The repetitions that count. */
  readonly looks: readonly Look[];
  /** The URL of the folder that holds `src`. */
  readonly root: string;
}

/** Functions that are named one by one. */
const FUNCTIONS = 25;

/** The tables, each a share of the time in which the main threads were not idle. */
export function profilePage({ title, texts, looks, root }: Profiled): string {
  const all = texts.flatMap((text) => selfTimes(text, looks));
  const busy = all.filter(({ frame }) => frame.name !== '(idle)');
  const total = sum(busy);
  const share = (micros: number) => `${((100 * micros) / total).toFixed(1)} %`;
  const row = ([name, micros]: readonly [string, number]) => [name, (micros / 1_000).toFixed(0), share(micros)];
  const groups = largest(busy, (frame) => groupOf(frame, root));
  const functions = largest(busy, (frame) => functionText(frame, root)).slice(0, FUNCTIONS);
  const walled = looks.reduce((micros, { from, to }) => micros + to - from, 0);
  return [
    `# ${title}`,
    '',
    `Self time on the main thread of ${texts.length === 1 ? 'the process' : `${texts.length} processes`} while the load ran: ${(total / 1e6).toFixed(2)} s busy in ` +
      `${(walled / 1e6).toFixed(2)} s, repetitions: ${looks.length}. On a busy machine that is more than its CPU, which the last table has; the profiler takes its part of both.`,
    '',
    ...table(['group', 'ms', 'share'], groups.map(row)),
    '',
    ...table(['function', 'ms', 'share'], functions.map(row)),
    '',
    ...table(['thread', 'CPU s'], threadRows(looks)),
  ].join('\n');
}

function largest(times: readonly SelfTime[], nameOf: (frame: Frame) => string): (readonly [string, number])[] {
  const micros = new Map<string, number>();
  for (const { frame, micros: time } of times) {
    const name = nameOf(frame);
    micros.set(name, (micros.get(name) ?? 0) + time);
  }
  return [...micros].toSorted(([, a], [, b]) => b - a);
}

function functionText({ name, url, line, callerUrl }: Frame, root: string): string {
  const short = (place: string) => (place.startsWith(root) ? place.slice(root.length) : place);
  if (url === '') return callerUrl === '' ? name : `${name}, native, from ${short(callerUrl)}`;
  return `${name} ${short(url)}:${line}`;
}

function threadRows(looks: readonly Look[]): string[][] {
  const seconds = new Map<string, number>();
  for (const { threads } of looks)
    for (const [name, added] of threads) seconds.set(name, (seconds.get(name) ?? 0) + added);
  const used = [...seconds].filter(([, added]) => added > 0).toSorted(([, a], [, b]) => b - a);
  return used.map(([name, added]) => [name, added.toFixed(2)]);
}

function sum(times: readonly SelfTime[]): number {
  return times.reduce((micros, each) => micros + each.micros, 0);
}
