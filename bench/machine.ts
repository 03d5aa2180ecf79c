/** The machine on which figures came about. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { saidVersion } from './server-process.ts';

/** Lines for the reader of figures, each a name and what it is. `folder` is where the files lie. */
export function machineFacts(folder: string): readonly (readonly [string, string])[] {
  return [
    ['CPU', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
    ['kernel', `${type()} ${release()}`],
    ['system', systemName()],
    ['file system', execFileSync('stat', ['-f', '-c', '%T', folder]).toString().trim()],
    ['Node', `${process.version}, OpenSSL ${process.versions.openssl}`],
    [
      'load generator',
      `ftps-load, OpenSSL ${saidVersion(['openssl', 'version'], /OpenSSL ([0-9.a-z]+)/) ?? 'unknown'}`,
    ],
  ];
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
