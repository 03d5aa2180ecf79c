/**
 * What a report rests on: the checked configuration, and what can be seen beside it without changing anything: certificates,
 * the audit log, the inventory of TLS.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyLog } from '../audit/verifying/verify-log.ts';
import type { UserOptions } from '../auth/users.ts';
import { chainEndMs } from '../config/certificate-checks.ts';
import { type IdentityOptions, pairsOf, readPair } from '../config/certificate-files.ts';
import type { GatewayOptions } from '../config/options.ts';
import { ifThere } from '../lib/error-code.ts';
import { isFipsModeAvailable } from '../lib/fips.ts';
import { readRecord } from '../modules/tls-record-file.ts';
import type { KeyKind } from '../transport/stapling.ts';
import { type Place, placesOfAccounts, takesUploads } from './upload-places.ts';

/** All that checks may look at. */
export interface Facts {
  readonly options: GatewayOptions;
  /** The accounts of the configuration and of the users file. */
  readonly accounts: readonly UserOptions[];
  /** Now, in milliseconds since 1970 (UTC). */
  readonly nowMs: number;
  readonly certificates: readonly CertificateSeen[];
  readonly auditLog: AuditLogSeen;
  readonly inventory: InventorySeen;
  /** Whether this Node's OpenSSL has a FIPS provider that works. */
  readonly fipsAvailable: boolean;
  /** What accounts may do where. */
  readonly places: readonly Place[];
  /** Those of them that take uploads. */
  readonly uploads: readonly Place[];
}

/** One certificate of the gateway or of a host. */
export interface CertificateSeen {
  /** Where it is written down, as `hosts[1].certificates[0]`. */
  readonly place: string;
  readonly subject: string;
  readonly kind: KeyKind;
  /** Of an RSA key. */
  readonly bits: number | undefined;
  /** When the first certificate of its chain ends. */
  readonly endMs: number;
}

/** The audit log, as it lies on the disk. */
export type AuditLogSeen =
  | { readonly state: 'off' }
  | { readonly state: 'absent'; readonly directory: string }
  | { readonly state: 'unreadable'; readonly directory: string; readonly why: string }
  | { readonly state: 'damaged'; readonly directory: string; readonly why: string }
  | {
      readonly state: 'verified';
      readonly directory: string;
      readonly records: number;
      /** When the published checkpoint was written, by its file; undefined when there is none. */
      readonly checkpointMs: number | undefined;
    };

/** The inventory of TLS. */
export type InventorySeen =
  | { readonly state: 'off' }
  | { readonly state: 'absent' | 'unreadable'; readonly file: string }
  | {
      readonly state: 'kept';
      readonly file: string;
      readonly sinceMs: number;
      readonly savedMs: number;
      /** When each account was last seen. */
      readonly lastMs: ReadonlyMap<string, number>;
    };

/** Where to look. */
export interface FactsParts {
  readonly options: GatewayOptions;
  readonly accounts: readonly UserOptions[];
  /** Where the audit log is to be; undefined when there is none. */
  readonly auditDirectory: string | undefined;
  readonly nowMs: number;
}

/** Looks at everything. Nothing is written, and what cannot be read is a fact like any other. */
export async function gatherFacts({ options, accounts, auditDirectory, nowMs }: FactsParts): Promise<Facts> {
  const places = await Promise.all(placesOfAccounts(options, accounts).map(withRealRoot));
  return {
    options,
    accounts,
    nowMs,
    certificates: await certificatesOf(options, nowMs),
    auditLog: auditDirectory === undefined ? { state: 'off' } : await auditLogIn(auditDirectory, options),
    inventory: await inventoryOf(options.tls.inventoryFile),
    fipsAvailable: isFipsModeAvailable(),
    places,
    uploads: places.filter(takesUploads),
  };
}

/** Two homes may be one, by links. One that is not there yet is what its name says. */
async function withRealRoot(place: Place): Promise<Place> {
  const { root } = place;
  return root === undefined ? place : { ...place, root: await realpath(root).catch(() => root) };
}

async function certificatesOf(options: GatewayOptions, nowMs: number): Promise<CertificateSeen[]> {
  const { ocsp, profile } = options.tls;
  const sections: readonly { place: string; section: IdentityOptions; hostName?: string }[] = [
    { place: 'tls', section: options.tls },
    ...options.hosts.map((host, index) => ({ place: `hosts[${index}]`, section: host, hostName: host.name })),
  ];
  const found: CertificateSeen[] = [];
  for (const { place, section, hostName } of sections) {
    for (const { at, pair } of pairsOf(section)) {
      const read = (await readPair(pair, { nowMs, hostName, ocsp, profile })).pair;
      // The configuration was refused otherwise; between two readings a file may go away.
      if (read === undefined) continue;
      const [first] = read.chain;
      found.push({
        place: at.length === 0 ? place : `${place}.${at[0]}[${at[1]}]`,
        subject: first.subject.replaceAll('\n', ', '),
        kind: read.kind,
        bits: first.publicKey.asymmetricKeyDetails?.modulusLength,
        endMs: chainEndMs(read),
      });
    }
  }
  return found;
}

async function auditLogIn(directory: string, { audit, stateDirectory = '' }: GatewayOptions): Promise<AuditLogSeen> {
  try {
    const parts = await Promise.all(['journal', 'checkpoint', 'tile'].map((name) => timeOf(join(directory, name))));
    if (parts.every((part) => part === undefined)) return { state: 'absent', directory };
    // The private key is read for its public half: a key is never made here.
    const key = createPrivateKey(await readFile(audit.keyFile ?? join(stateDirectory, 'audit.key')));
    const pem = String(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
    const { problem, size } = await verifyLog(directory, { keys: [pem], witnesses: audit.witnesses });
    if (problem === undefined) return { state: 'verified', directory, records: size, checkpointMs: parts[1] };
    const where = problem.index === undefined ? problem.file : `${problem.file}, record ${problem.index}`;
    return { state: 'damaged', directory, why: `${where}: ${problem.why}` };
  } catch (error) {
    return { state: 'unreadable', directory, why: error instanceof Error ? error.message : String(error) };
  }
}

/** When a file was last written; undefined when it is not there. @throws the system's error for anything else. */
async function timeOf(path: string): Promise<number | undefined> {
  return (await ifThere(stat(path)))?.mtimeMs;
}

async function inventoryOf(file: string | undefined): Promise<InventorySeen> {
  if (file === undefined) return { state: 'off' };
  // Why it cannot be read is for `sallyport tls inventory` to tell.
  const read = await readRecord(file).catch(() => undefined);
  if (read?.kind === 'absent') return { state: 'absent', file };
  if (read?.kind !== 'record') return { state: 'unreadable', file };
  const { sinceMs, savedMs, accounts } = read.data;
  const lastMs = new Map(
    accounts.map(({ name, networks, behaviours }) => [
      name,
      [...networks, ...behaviours].reduce((last, times) => Math.max(last, times.lastMs), 0),
    ]),
  );
  return { state: 'kept', file, sinceMs, savedMs, lastMs };
}
