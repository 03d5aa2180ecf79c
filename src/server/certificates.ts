/**
 * The certificates of a gateway and its hosts: read and checked at the start, read again when their files change. A session
 * keeps those with which it began; what is wrong with new files leaves the old certificates in force.
 */
import { createSecureContext } from 'node:tls';
import {
  chainEndMs,
  DAY_MS,
  daysUntil,
  EXPIRY_WARNING_DAYS,
  type PairFinding,
  type PairTexts,
} from '../config/certificate-checks.ts';
import {
  type IdentityOptions,
  judgePair,
  openedTexts,
  type PairOptions,
  type PairReading,
  pairsOf,
  readPair,
  sameFamily,
} from '../config/certificate-files.ts';
import type { GatewayOptions } from '../config/options.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { AuditRecord } from '../spi/audit.ts';
import type { Log } from '../spi/log.ts';
import { checkOcspResponse, type OcspSubject } from '../transport/ocsp.ts';
import { chosenCertificate, type KeyKind, type Staple } from '../transport/stapling.ts';
import { OcspAnswers } from './ocsp-answers.ts';
import { ocspFetch } from './ocsp-fetch.ts';
import { contentsNow, versionNow, versionOf } from './pair-files.ts';
import type { Reloadable, ReloadOutcome } from './reload.ts';

/** One certificate that is in force. */
export interface GatewayCertificate {
  /** The virtual host; undefined for the gateway itself. */
  readonly host: string | undefined;
  readonly subject: string;
  /** The names and addresses that it is for, as OpenSSL writes them: `DNS:ftp.example.com`. */
  readonly names: readonly string[];
  readonly keyKind: KeyKind;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string;
  /** When the first certificate of its chain ends, in milliseconds since 1970 (UTC). */
  readonly notAfterMs: number;
  /** Whole days until then; negative when it has ended. */
  readonly daysLeft: number;
  /** Whether an answer of OCSP that holds is stapled to it. */
  readonly stapled: boolean;
}

/** What a server shows its clients: the same object until it is replaced. */
export interface CertificateMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly alternatives: readonly { readonly certificate: string; readonly key: string }[];
  readonly staple: Staple | undefined;
  /** Whether one of the certificates is for that name. */
  covers(name: string): boolean;
}

/** Told when certificates, keys, authorities or revocation lists were read again; `refusal` says why they are not in force. */
export type CertificatesChanged = (object: AuditRecord['object'], refusal?: string) => void;

/** Thrown for certificates that must not be shown; the message names every mistake. */
export class CertificatesRefused extends Error {
  override readonly name = 'CertificatesRefused';
}

/** The certificates of a gateway. */
export class Certificates implements Reloadable {
  readonly part = 'certificates';
  readonly #options: Pick<GatewayOptions, 'tls' | 'hosts'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changed: CertificatesChanged;
  readonly #sections: readonly Section[];
  readonly #answers: OcspAnswers;
  #poll: Timer | undefined;
  #daily: Timer | undefined;
  /** Two readings at a time could leave the older one in force. */
  readonly #oneAtATime = oneAtATime();

  /** Reads all certificates. @throws CertificatesRefused; the system's error for a file that cannot be read. */
  constructor(
    options: Pick<GatewayOptions, 'tls' | 'hosts'>,
    { clock, log, changed }: { readonly clock: Clock; readonly log: Log; readonly changed?: CertificatesChanged },
  ) {
    this.#changed = changed ?? (() => undefined);
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#answers = new OcspAnswers({ clock, log, fetch: ocspFetch(clock) });
    const all: { host: string | undefined; from: IdentityOptions }[] = [
      { host: undefined, from: options.tls },
      ...options.hosts.map((host) => ({ host: host.name, from: host })),
    ];
    this.#sections = all.map(({ host, from }) => {
      const pairs = pairsOf(from).map(({ pair }) => pair);
      // Before the reading: what changes in between is read again.
      const seen = versionNow(pairs);
      const readings = pairs.map((pair) => judgePair(pair, contentsNow(pair), this.#context(host)));
      return { host, pairs, seen, refused: undefined, ...this.#judged(host, readings) };
    });
    this.#follow();
  }

  /** What is shown to clients of a host; for one that is none, and for undefined, what the gateway shows. */
  materialOf(host: string | undefined): CertificateMaterial {
    const section = this.#sections.find((one) => one.host === host) ?? this.#sections[0];
    if (section === undefined) throw new CertificatesRefused('there is no certificate');
    return section.material;
  }

  /** Every certificate that is in force. */
  get overview(): readonly GatewayCertificate[] {
    const nowMs = this.#clock.now();
    return this.#sections.flatMap(({ host, readings }) =>
      readings.flatMap((reading) => {
        if (reading.pair === undefined) return [];
        const { chain, kind } = reading.pair;
        const notAfterMs = chainEndMs(reading.pair);
        return {
          host,
          subject: chain[0].subject.replaceAll('\n', ', '),
          names: chain[0].subjectAltName?.split(', ') ?? [],
          keyKind: kind,
          fingerprint: chain[0].fingerprint256.replaceAll(':', '').toLowerCase(),
          notAfterMs,
          daysLeft: daysUntil(notAfterMs, nowMs),
          stapled: this.#answer(reading) !== undefined,
        };
      }),
    );
  }

  /** Begins to follow the files and the ends of the certificates, and to fetch answers of OCSP. */
  async start(): Promise<void> {
    await this.#lookForChanges();
    this.#answers.start();
    this.#tellExpiry();
    this.#pollLater();
  }

  /** Follows them no more. */
  stop(): void {
    this.#poll?.cancel();
    this.#poll = undefined;
    this.#daily?.cancel();
    this.#answers.stop();
  }

  /**
   * Reads all files again, whether or not they have changed. Every host for itself: what is wrong with one is no reason to
   * keep another from its new certificate. @throws CertificatesRefused naming every mistake; the old ones stay in force there.
   */
  async reload(): Promise<ReloadOutcome> {
    return await this.#oneAtATime(() => this.#readAgain('all'));
  }

  #context(hostName: string | undefined) {
    const { ocsp, profile } = this.#options.tls;
    return { nowMs: this.#clock.now(), hostName, ocsp, profile };
  }

  /** What was read, made ready. @throws CertificatesRefused. */
  #judged(host: string | undefined, readings: readonly PairReading[]): Pick<Section, 'readings' | 'material'> {
    const mistakes = [
      ...readings.flatMap(({ findings }) => findings.filter(({ level }) => level === 'mistake').map(sentence)),
      ...readings.flatMap(
        (_, index) =>
          sameFamily(
            readings.map(({ pair }) => pair),
            index,
          ) ?? [],
      ),
    ];
    if (mistakes.length > 0) throw new CertificatesRefused(`${host ?? 'the gateway'}: ${mistakes.join('; ')}`);
    for (const finding of readings.flatMap(({ findings }) => findings)) {
      this.#log.warn('certificate.doubtful', { host, what: sentence(finding) });
    }
    return { readings, material: this.#material(readings) };
  }

  #material(readings: readonly PairReading[]): CertificateMaterial {
    const pairs = readings.flatMap(({ pair }) => pair ?? []);
    const [first, ...alternatives] = pairs.map(openedTexts);
    if (first === undefined) throw new CertificatesRefused('there is no certificate');
    proveUsable([first, ...alternatives]);
    const kinds = pairs.map(({ kind }) => kind);
    const stapling =
      this.#options.tls.ocsp === 'fetch' || readings.some(({ ocspResponse }) => ocspResponse !== undefined);
    return {
      ...first,
      alternatives,
      covers: (name) => pairs.some(({ chain }) => chain[0].checkHost(name) !== undefined),
      staple: !stapling
        ? undefined
        : (hello) => {
            const reading = readings[chosenCertificate(kinds, hello) ?? -1];
            return reading && this.#answer(reading);
          },
    };
  }

  /** An answer that holds now: from the file, or else fetched. */
  #answer({ pair, ocspResponse }: PairReading): Buffer | undefined {
    const subject = pair && subjectOf(pair);
    if (subject === undefined) return undefined;
    if (ocspResponse === undefined) return this.#answers.about(subject.certificate);
    return holds(ocspResponse, subject, this.#clock.now()) ? ocspResponse : undefined;
  }

  #follow(): void {
    if (this.#options.tls.ocsp !== 'fetch') return;
    const followed = this.#sections.flatMap(({ pairs, readings }) =>
      readings.flatMap(({ pair }, index) =>
        pair === undefined || pairs[index]?.ocspResponseFile !== undefined ? [] : (subjectOf(pair) ?? []),
      ),
    );
    this.#answers.follow(followed);
  }

  #pollLater(): void {
    this.#poll?.cancel();
    this.#poll = this.#clock.after(this.#options.tls.reloadIntervalMs, () => {
      void this.#lookForChanges().finally(() => this.#poll && this.#pollLater());
    });
  }

  /** Reads what has changed. Never throws: what is wrong leaves in force what was before. */
  async #lookForChanges(): Promise<void> {
    try {
      await this.#oneAtATime(() => this.#readAgain('changed'));
    } catch (error) {
      // A mistake in the files has been told where it was found.
      if (!(error instanceof CertificatesRefused)) this.#log.error('certificate.reload_failed', { error });
    }
  }

  async #readAgain(which: 'all' | 'changed'): Promise<ReloadOutcome> {
    const refusals: string[] = [];
    let outcome: ReloadOutcome = 'unchanged';
    for (const section of this.#sections) {
      const version = await versionOf(section.pairs);
      // Texts do not change.
      if (version === '') continue;
      // What was refused may have become right by the time alone, such as a certificate that was not valid yet.
      if (which === 'changed' && version === section.seen && section.refused === undefined) continue;
      const refusal = await this.#readSection(section, {
        version,
        told: which === 'changed' ? section.refused : undefined,
      });
      if (refusal === undefined) outcome = 'reloaded';
      else refusals.push(refusal);
    }
    this.#follow();
    if (refusals.length > 0) throw new CertificatesRefused(refusals.join('; '));
    return outcome;
  }

  /** @returns why the new files are refused; undefined when they are in force. `told` is what need not be logged again. */
  async #readSection(
    section: Section,
    { version, told }: { readonly version: string; readonly told: string | undefined },
  ): Promise<string | undefined> {
    section.seen = version;
    const { host, pairs } = section;
    try {
      const readings = await Promise.all(pairs.map((pair) => readPair(pair, this.#context(host))));
      Object.assign(section, this.#judged(host, readings), { refused: undefined });
      const subjects = readings.map(({ pair }) => pair?.chain[0].subject.replaceAll('\n', ', '));
      this.#log.info('certificate.reloaded', { host, subjects });
      const fingerprints = readings.flatMap(
        ({ pair }) => pair?.chain[0].fingerprint256.replaceAll(':', '').toLowerCase() ?? [],
      );
      this.#changed({ part: this.part, host, subjects, sha256: fingerprints });
      return undefined;
    } catch (error) {
      if (!(error instanceof CertificatesRefused)) throw error;
      section.refused = error.message;
      if (error.message !== told) {
        this.#log.error('certificate.reload_refused', { host, error });
        this.#changed({ part: this.part, host }, error.message);
      }
      return error.message;
    }
  }

  #tellExpiry(): void {
    for (const { host, subject, names, notAfterMs, daysLeft } of this.overview) {
      if (daysLeft >= EXPIRY_WARNING_DAYS) continue;
      const fields = { host, subject, names, notAfter: new Date(notAfterMs).toISOString(), daysLeft };
      if (daysLeft < 0) this.#log.error('certificate.expires', fields);
      else this.#log.warn('certificate.expires', fields);
    }
    this.#daily?.cancel();
    this.#daily = this.#clock.after(DAY_MS, () => this.#tellExpiry());
  }
}

/** The gateway or a host, and the pairs that it shows now. */
interface Section {
  readonly host: string | undefined;
  readonly pairs: readonly PairOptions[];
  readings: readonly PairReading[];
  material: CertificateMaterial;
  /** The version of the files that was looked at last. */
  seen: string;
  /** Why that version is not in force. */
  refused: string | undefined;
}

/** OpenSSL has the last word on what it can use. @throws CertificatesRefused. */
function proveUsable(pairs: readonly PairTexts[]): void {
  try {
    createSecureContext({
      cert: pairs.map(({ certificate }) => certificate),
      key: pairs.map(({ key }) => key),
      ca: [],
    });
  } catch (error) {
    throw new CertificatesRefused('OpenSSL cannot use the certificate with its key', { cause: error });
  }
}

function subjectOf({ chain: [certificate, issuer] }: NonNullable<PairReading['pair']>): OcspSubject | undefined {
  return issuer && { certificate, issuer };
}

function holds(response: Buffer, subject: OcspSubject, nowMs: number): boolean {
  try {
    checkOcspResponse(response, subject, nowMs);
    return true;
  } catch {
    // It was right when it was read, so it has ended since.
    return false;
  }
}

const NAMES: Readonly<Record<PairFinding['on'], string>> = {
  certificate: 'the certificate',
  key: 'the key',
  passphrase: 'the passphrase',
  ocspResponse: 'the answer of OCSP',
};

function sentence({ on, message }: PairFinding): string {
  return `${NAMES[on]} ${message}`;
}
