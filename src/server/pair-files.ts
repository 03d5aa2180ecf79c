/** The files of certificates and keys as a running gateway sees them: what they hold, and whether they have changed. */
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { PairContents, PairOptions } from '../config/certificate-files.ts';
import { ABSENT, fileVersion } from './file-version.ts';

/** What they hold, read at once, for the start. @throws the system's error when a file cannot be read. */
export function contentsNow(pair: PairOptions): PairContents {
  const text = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file, 'utf8'));
  return {
    certificate: pair.certificate ?? text(pair.certificateFile),
    key: pair.key ?? text(pair.keyFile),
    passphrase: text(pair.passphraseFile),
    ocspResponse: optionalBytes(pair.ocspResponseFile),
  };
}

/** Something that changes whenever one of the files does; empty where there is none. */
export async function versionOf(pairs: readonly PairOptions[]): Promise<string> {
  const versions = filesOf(pairs).map((file) => stat(file).then(fileVersion, () => ABSENT));
  return (await Promise.all(versions)).join('\n');
}

/** The same at once, for the start. */
export function versionNow(pairs: readonly PairOptions[]): string {
  const stats = filesOf(pairs).map((file) => statSync(file, { throwIfNoEntry: false }));
  return stats.map((facts) => (facts === undefined ? ABSENT : fileVersion(facts))).join('\n');
}

function filesOf(pairs: readonly PairOptions[]): readonly string[] {
  return pairs.flatMap(({ certificateFile, keyFile, passphraseFile, ocspResponseFile }) =>
    [certificateFile, keyFile, passphraseFile, ocspResponseFile].filter((file) => file !== undefined),
  );
}

/** An answer that is not there yet keeps nobody from serving; that it is not is told as a warning. */
function optionalBytes(file: string | undefined): Buffer | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file);
  } catch {
    return undefined;
  }
}
