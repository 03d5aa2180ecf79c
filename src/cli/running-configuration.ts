/** Whether the gateway that runs has the configuration that lies on the disk: by its control socket and its audit log. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FileRead, Running } from '../compliance/report.ts';
import type { GatewayOptions } from '../config/options.ts';
import { auditDirectory } from '../server/audit.ts';
import { pickedRecords, textAt } from './audit-records.ts';
import { CommandFailure } from './command-failure.ts';
import { askGateway, NoGateway } from './control.ts';

/**
 * Compares the digest of what was read with that of the last `config.loaded` in the audit log. Never throws: what cannot be
 * asked or read is told as such.
 */
export async function runningConfiguration(options: GatewayOptions, digest: string): Promise<Running> {
  const last = await lastLoaded(auditDirectory(options));
  return {
    gateway: await gatewayState(options.stateDirectory),
    loaded: last === undefined ? 'not_found' : last.digest === digest ? 'same' : 'differs',
    loadedAt: last?.time ?? null,
    digest: last?.digest ?? null,
  };
}

/** The files with the SHA-256 of their bytes. @throws the system's error when one is gone. */
export async function filesRead(files: readonly string[]): Promise<readonly FileRead[]> {
  return Promise.all(
    files.map(async (file) => ({
      file,
      sha256: createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    })),
  );
}

async function gatewayState(stateDirectory: string | undefined): Promise<Running['gateway']> {
  if (stateDirectory === undefined) return 'not_asked';
  try {
    await askGateway(stateDirectory, 'status', {});
    return 'runs';
  } catch (error) {
    if (error instanceof NoGateway) return 'none';
    if (error instanceof CommandFailure) return 'not_asked';
    throw error;
  }
}

interface Loaded {
  readonly time: string;
  readonly digest: string;
}

/** The last record of one; a reload of accounts or certificates has no digest. */
async function lastLoaded(directory: string | undefined): Promise<Loaded | undefined> {
  if (directory === undefined) return undefined;
  let last: Loaded | undefined;
  try {
    for await (const { record } of pickedRecords(directory, { events: ['config.loaded'] })) {
      const digest = textAt(record, 'object', 'digest');
      if (digest !== undefined) last = { time: textAt(record, 'time') ?? 'at an unknown time', digest };
    }
  } catch {
    // Damaged, absent or another's to read: the item that verifies the log says which. What follows may be newer.
    return undefined;
  }
  return last;
}
