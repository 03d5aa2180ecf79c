/** CPU by thread: what a profile of V8 does not see, since it looks at one of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { treeOf } from '../process-tree.ts';

/** CPU seconds by name and number of thread, of a process and all that it has begun. */
export function threadSeconds(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const process of treeOf(pid)) {
    for (const thread of readdirSync(`/proc/${process}/task`)) {
      const text = readFileSync(`/proc/${process}/task/${thread}/stat`, 'utf8');
      // The name, in brackets, may hold anything.
      const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
      const [utime = 0, stime = 0] = text
        .slice(close + 2)
        .split(' ')
        .slice(11, 13)
        .map(Number);
      const name = thread === `${process}` ? 'main' : text.slice(open + 1, close);
      seconds.set(`${name} ${thread}`, (utime + stime) / 100);
    }
  }
  return seconds;
}

/** What was added between two looks, by name of thread: those of one name together. */
export function addedSeconds(before: ReadonlyMap<string, number>, behind: ReadonlyMap<string, number>) {
  const added = new Map<string, number>();
  for (const [key, value] of behind) {
    const name = key.slice(0, key.lastIndexOf(' '));
    added.set(name, (added.get(name) ?? 0) + value - (before.get(key) ?? 0));
  }
  return added;
}
