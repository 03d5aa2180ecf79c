/** Debian's servers, unpacked by `.ci/unpack-ftp-servers`: they cannot be installed side by side. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Presence } from '../contestant.ts';
import { saidVersion } from '../server-process.ts';

/** Where they are. */
export const UNPACKED = fileURLToPath(new URL('../../var/ftp-servers', import.meta.url));

/** The user that servers become for their sessions. */
export const NOBODY = 65_534;

/** The program of a server. */
export function serverProgram(server: string): string {
  return join(UNPACKED, 'usr/sbin', server);
}

/** The environment in which they find their libraries. */
export function unpackedEnvironment(): NodeJS.ProcessEnv {
  return { LD_LIBRARY_PATH: globSync(join(UNPACKED, 'usr/lib/*-linux-gnu*')).join(':') };
}

/** Whether a server is there. All of them change their user, which takes root. */
export function unpackedPresence(server: string, versionOption: string, pattern: RegExp): Presence {
  const program = serverProgram(server);
  if (!existsSync(program)) return { missing: 'not unpacked: run .ci/unpack-ftp-servers' };
  if (process.getuid?.() !== 0) return { missing: 'needs root to become the user of its sessions' };
  const version = saidVersion([program, versionOption], pattern, unpackedEnvironment());
  return version === undefined ? { missing: 'tells no version, so it cannot be run' } : { version };
}
