/** How many files may be open: a session takes one of the server and one of the load. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What servers and the load have open besides. */
export const OPEN_FILES_BESIDE = 1_000;

/**
 * Raises the limit of this process, and so of everything that it starts from now on, to so many where that is allowed. Returns the
 * limit that is then in force.
 */
export function openFilesMax(wanted: number): number {
  if (limit() < wanted) spawnSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${wanted}:${wanted}`]);
  return limit();
}

function limit(): number {
  const soft = /^Max open files\s+([0-9]+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? 0 : Number(soft);
}
