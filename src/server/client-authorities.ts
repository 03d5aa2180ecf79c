/**
 * Whose client certificates count, at the gateway and at each host: authorities and their revocation lists, read at the
 * start and again when the files change. A session keeps what it began with; what is wrong with new files leaves the old
 * ones in force, and a list that is in force beyond its end refuses by itself.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { GatewayOptions } from '../config/options.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { Log } from '../spi/log.ts';
import { endOf, type RevocationList, revocationLists } from '../transport/revocation-lists.ts';
import type { CertificatesChanged } from './certificates.ts';
import { ABSENT, fileVersion } from './file-version.ts';
import type { Reloadable, ReloadOutcome } from './reload.ts';

/** What is asked of clients in one place: the same object until it is replaced. */
export interface ClientTrust {
  readonly mode: 'off' | 'optional' | 'required';
  /** The authorities, PEM; undefined when nobody is asked. */
  readonly ca: string | undefined;
  /** Their revocation lists, each PEM; with none at all, nothing is taken back. */
  readonly crls: readonly string[];
}

/** Whether a certificate that counts in one place counts in the other. */
export function countAlike(left: ClientTrust, right: ClientTrust): boolean {
  return left.ca === right.ca && left.crls.join() === right.crls.join();
}

/** Thrown for files that must not be used; the message names them and every mistake. */
export class AuthoritiesRefused extends Error {
  override readonly name = 'AuthoritiesRefused';
}

/** The authorities of a gateway. */
export class ClientAuthorities implements Reloadable {
  readonly part = 'client authorities';
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changed: CertificatesChanged;
  readonly #intervalMs: number;
  readonly #places: readonly Place[];
  #poll: Timer | undefined;
  /** Two readings at a time could leave the older one in force. */
  readonly #oneAtATime = oneAtATime();

  /** Reads all files. @throws AuthoritiesRefused; the system's error for a file that cannot be read. */
  constructor(
    { tls, hosts }: Pick<GatewayOptions, 'tls' | 'hosts'>,
    parts: { readonly clock: Clock; readonly log: Log; readonly changed?: CertificatesChanged },
  ) {
    this.#changed = parts.changed ?? (() => undefined);
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#intervalMs = tls.reloadIntervalMs;
    this.#places = [sourceOf(undefined, tls, tls), ...hosts.map((host) => sourceOf(host.name, host, tls))].map(
      (source) => {
        const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file, 'utf8'));
        const texts = { ca: source.ca ?? read(source.caFile), crl: read(source.crlFile) };
        return { source, seen: undefined, told: new Set<string>(), ...judged(source, texts) };
      },
    );
  }

  /** What is asked of clients of a host; for one that is none, and for undefined, what the gateway asks. */
  of(host: string | undefined): ClientTrust {
    const place = this.#places.find(({ source }) => source.host === host) ?? this.#places[0];
    return place?.trust ?? NOBODY_ASKED;
  }

  /** Begins to follow the files, and the ends of the lists. */
  async start(): Promise<void> {
    for (const place of this.#places) place.seen ??= await versionOf(place.source);
    this.#tellEnds();
    this.#pollLater();
  }

  /** Follows them no more. */
  stop(): void {
    this.#poll?.cancel();
    this.#poll = undefined;
  }

  /** Reads all files again. @throws AuthoritiesRefused naming every mistake; the old ones stay in force there. */
  async reload(): Promise<ReloadOutcome> {
    return await this.#oneAtATime(() => this.#readAgain('all').finally(() => this.#tellEnds()));
  }

  #pollLater(): void {
    this.#poll?.cancel();
    this.#poll = this.#clock.after(this.#intervalMs, () => {
      void this.#oneAtATime(() => this.#readAgain('changed'))
        .catch((error: unknown) => this.#log.error('client_authorities.refused', { error }))
        .finally(() => {
          if (this.#poll === undefined) return;
          this.#tellEnds();
          this.#pollLater();
        });
    });
  }

  async #readAgain(which: 'all' | 'changed'): Promise<ReloadOutcome> {
    const refusals: string[] = [];
    let outcome: ReloadOutcome = 'unchanged';
    for (const place of this.#places) {
      const version = await versionOf(place.source);
      if (which === 'changed' && version === place.seen) continue;
      // A version that is wrong is told once, and not at every look.
      place.seen = version;
      try {
        Object.assign(place, judged(place.source, await textsOf(place.source)));
        outcome = 'reloaded';
      } catch (error) {
        refusals.push(error instanceof Error ? error.message : String(error));
      }
    }
    if (refusals.length > 0) {
      this.#changed({ part: this.part }, refusals.join('; '));
      throw new AuthoritiesRefused(refusals.join('; '));
    }
    if (outcome === 'reloaded') {
      this.#log.info('client_authorities.reloaded');
      // Texts do not change.
      const hasFiles = this.#places.some(({ source }) => (source.caFile ?? source.crlFile) !== undefined);
      if (hasFiles) this.#changed({ part: this.part });
    }
    return outcome;
  }

  /** Says of each list once that it ends soon, and once that it has. */
  #tellEnds(): void {
    const nowMs = this.#clock.now();
    for (const { source, lists, told } of this.#places) {
      for (const list of lists) {
        const { issuer, nextUpdateMs } = list;
        const end = endOf(list, nowMs);
        const key = `${issuer} ${nextUpdateMs} ${end}`;
        if (end === 'later' || told.has(key)) continue;
        told.add(key);
        const fields = { host: source.host, issuer, nextUpdate: new Date(nextUpdateMs).toISOString() };
        if (end === 'ended') this.#log.error('crl.ended', fields);
        else this.#log.warn('crl.ends_soon', fields);
      }
    }
  }
}

const NOBODY_ASKED: ClientTrust = { mode: 'off', ca: undefined, crls: [] };

/** Where the trust of one place comes from. */
interface Source {
  /** The virtual host; undefined for the gateway itself. */
  readonly host: string | undefined;
  readonly mode: ClientTrust['mode'];
  readonly ca: string | undefined;
  readonly caFile: string | undefined;
  readonly crlFile: string | undefined;
}

/** The gateway or a host, and what it asks now. */
interface Place {
  readonly source: Source;
  trust: ClientTrust;
  lists: readonly RevocationList[];
  /** The version of the files that was looked at last. */
  seen: string | undefined;
  /** What has been said of lists that end. */
  readonly told: Set<string>;
}

/** What a section of the options says of clients. */
type Written = Pick<GatewayOptions['hosts'][number], 'clientCertificate' | 'clientCa' | 'clientCaFile' | 'crlFile'>;

/** Authorities and lists belong together: a host has both of its own, or both of the gateway's. */
function sourceOf(host: string | undefined, own: Written, gateway: GatewayOptions['tls']): Source {
  const mode = own.clientCertificate ?? gateway.clientCertificate;
  const from = own.clientCaFile !== undefined || own.clientCa !== undefined ? own : gateway;
  if (mode === 'off') return { host, mode, ca: undefined, caFile: undefined, crlFile: undefined };
  return { host, mode, ca: from.clientCa, caFile: from.clientCaFile, crlFile: from.crlFile };
}

/** @throws AuthoritiesRefused for what are no authorities or lists. */
function judged(
  { host, mode, caFile, crlFile }: Source,
  { ca, crl }: { readonly ca: string | undefined; readonly crl: string | undefined },
): Pick<Place, 'trust' | 'lists'> {
  const where = host === undefined ? '' : `${host}: `;
  try {
    if (ca !== undefined) new X509Certificate(ca);
  } catch (cause) {
    throw new AuthoritiesRefused(`${where}${caFile ?? 'client_ca'} holds no certificate in PEM form`, { cause });
  }
  try {
    const lists = crl === undefined ? [] : revocationLists(crl);
    return { lists, trust: { mode, ca, crls: lists.map(({ pem }) => pem) } };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthoritiesRefused(`${where}${crlFile}: ${why}`, { cause });
  }
}

async function textsOf({ ca, caFile, crlFile }: Source) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file, 'utf8'));
  return { ca: ca ?? (await read(caFile)), crl: await read(crlFile) };
}

/** Something that changes whenever one of the files does. */
async function versionOf({ caFile, crlFile }: Source): Promise<string> {
  const versions = [caFile, crlFile].map(async (file) =>
    file === undefined ? '' : stat(file).then(fileVersion, () => ABSENT),
  );
  return (await Promise.all(versions)).join('\n');
}
