/**
 * What runs in a `FactsThread`, as text. A module would be loaded anew by each thread: from sources in TypeScript that takes 70 ms and
 * 10 MiB more than all the rest of its start, and from JavaScript still a third of it.
 */
import type { lstatSync, readlinkSync } from 'node:fs';
import type { getPriority, setPriority } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { type FactRows, packFacts } from './packed-facts.ts';

/** What the thread is asked. */
export interface FactsQuestion {
  readonly id: number;
  /** What the operating system is to be given for the directory. */
  readonly directory: string;
  /** Joined by `/`, which no name has in it. */
  readonly names: string;
  /** To write the answer into: a row for each name, or more. */
  readonly rows: FactRows;
}

/** What it answers: without rows when a name could not be asked for, and once, with the id 0, when it has started. */
export interface FactsAnswer {
  readonly id: number;
  readonly rows: FactRows | undefined;
}

/** The program: a script for a `Worker` that evaluates it. */
export function factsProgram(): string {
  const given = `{ ...require('node:fs'), ...require('node:os') }, require('node:worker_threads').parentPort, ${packFacts}`;
  return `(${answerQuestions})(${given});`;
}

/** What a thread asks of the system. */
interface System {
  readonly lstatSync: typeof lstatSync;
  readonly readlinkSync: typeof readlinkSync;
  readonly getPriority: typeof getPriority;
  readonly setPriority: typeof setPriority;
}

/** Runs as the text that it is, and so knows nothing but what it is given. */
function answerQuestions(system: System, port: MessagePort, pack: typeof packFacts): void {
  const isLinux = process.platform === 'linux';
  // Two of these keep two processors busy, and others wait for the main thread: it goes first. (Elsewhere it is everybody's priority.)
  if (isLinux) system.setPriority(Math.min(19, system.getPriority() + 2));
  const self = '/proc/self/';
  // `/proc/self` is a link, and following it is a tenth of the way to a file; it leads to the same place for ever.
  const own = isLinux ? `/proc/${system.readlinkSync('/proc/self')}/` : self;
  const options = { bigint: true, throwIfNoEntry: false } as const;

  port.on('message', ({ id, directory, names, rows }: FactsQuestion) => {
    const place = `${directory.startsWith(self) ? own + directory.slice(self.length) : directory}/`;
    let answer: FactsAnswer = { id, rows };
    try {
      let index = 0;
      for (const name of names.split('/')) pack(rows, index++, system.lstatSync(place + name, options));
    } catch {
      // Whoever asked asks again, one by one, and is told there what is wrong.
      answer = { id, rows: undefined };
    }
    port.postMessage(answer, answer.rows === undefined ? [] : [rows.buffer]);
  });
  const ready: FactsAnswer = { id: 0, rows: undefined };
  port.postMessage(ready);
}
