/** Where the audit log of a command lies, and the key beside it. Nothing is ever written here. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { publicBytesOf } from '../audit/notes/ed25519.ts';
import { formatVkey, TYPE_ED25519 } from '../audit/notes/signed-note.ts';
import { isLog, newestCheckpoint, originOf } from '../audit/verifying/read-log.ts';
import type { GatewayOptions } from '../config/options.ts';
import { hasCode } from '../lib/error-code.ts';
import { auditOrigin } from '../server/audit.ts';
import { CommandFailure } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import { keysFrom, reading, textOf } from './log-keys.ts';
import type { Terminal } from './terminal.ts';

/** How a log is named on the command line. */
export interface PlaceFlags {
  readonly config: string;
  readonly directory?: string;
}

/** A log on the disk. */
export interface LogPlace {
  readonly directory: string;
  /** Its private key, as far as the configuration or custom says. */
  readonly keyFile: string;
  /** Its name by the configuration; undefined when there is none at hand. */
  readonly origin: string | undefined;
}

/** Adds the options that name a log. */
export function withPlace(command: Command): Command {
  return command
    .addOption(new Option('-c, --config <file>', 'the configuration whose log it is').default(CONFIG_FILE))
    .addOption(
      new Option('-d, --directory <dir>', 'the log itself, or the state directory that it is in').conflicts('config'),
    );
}

/** The place that the flags name, whether there is a log yet or not. @throws CommandFailure (wrong use). */
export async function placeOf({ config, directory }: PlaceFlags, terminal: Terminal): Promise<LogPlace> {
  if (directory !== undefined) {
    const within = join(directory, 'audit');
    if (await found(directory)) return { directory, keyFile: join(dirname(directory), 'audit.key'), origin: undefined };
    return { directory: within, keyFile: join(directory, 'audit.key'), origin: undefined };
  }
  return placeIn((await requireConfiguration(config, terminal)).options);
}

/** The place that a configuration names. */
export function placeIn(options: GatewayOptions): LogPlace {
  const { audit, stateDirectory = '' } = options;
  const keyFile = audit.keyFile ?? join(stateDirectory, 'audit.key');
  return { directory: join(stateDirectory, 'audit'), keyFile, origin: auditOrigin(options) };
}

/** The same, for a log that is there. @throws CommandFailure (wrong use) when there is none. */
export async function requireLog(flags: PlaceFlags, terminal: Terminal): Promise<LogPlace> {
  const place = await placeOf(flags, terminal);
  if (await found(place.directory)) return place;
  throw new CommandFailure('wrongUse', `There is no audit log in ${flags.directory ?? place.directory}.`);
}

/** Keys to verify with, and whether somebody brought them along. */
export interface VerifyingKeys {
  readonly keys: readonly string[];
  /** Where the key was found that nobody brought; undefined when they were given. */
  readonly beside: string | undefined;
}

/** The keys that were given, or the one beside the log. @throws CommandFailure (wrong use) when there is neither. */
export async function verifyingKeys(given: readonly string[], { keyFile }: LogPlace): Promise<VerifyingKeys> {
  if (given.length > 0) return { keys: (await Promise.all(given.map(keysFrom))).flat(), beside: undefined };
  const key = await publicKeyIn(keyFile).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('wrongUse', `Say with --key which key signs the log: ${why}`, { cause: error });
  });
  return { keys: [pemOf(key)], beside: keyFile };
}

/** The public key of a log, as text for partners. @throws CommandFailure (wrong use) when there is none to be read. */
export async function keyText(place: LogPlace, { pem }: { readonly pem: boolean }): Promise<string> {
  const key = await publicKeyIn(place.keyFile);
  if (pem) return pemOf(key);
  const checkpoint = await newestCheckpoint(place.directory).catch(() => undefined);
  const origin = checkpoint === undefined ? place.origin : originOf(checkpoint);
  if (origin !== undefined) return `${formatVkey(origin, TYPE_ED25519, publicBytesOf(key))}\n`;
  throw new CommandFailure('wrongUse', `Nothing in ${place.directory} says what the log is called: name a --config.`);
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

async function publicKeyIn(file: string): Promise<KeyObject> {
  const text = await textOf(file);
  try {
    // Of a private key it gives the public one.
    const key = createPublicKey(text);
    publicBytesOf(key);
    return key;
  } catch (error) {
    throw new CommandFailure('wrongUse', `${file} is not an Ed25519 key in PEM.`, { cause: error });
  }
}

async function found(directory: string): Promise<boolean> {
  return reading(directory, async () => {
    try {
      return await isLog(directory);
    } catch (error) {
      if (hasCode(error, 'EACCES')) throw new Error('this user may not: be the user of the gateway, or root');
      throw error;
    }
  });
}
