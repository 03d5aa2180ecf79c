/** Reads certificates and keys where a configuration says they are, and finds what is wrong with them and with their files. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseHostName } from '../protocol/host-name.ts';
import { checkOcspResponse, OcspRefused } from '../transport/ocsp.ts';
import { keyFamily } from '../transport/stapling.ts';
import { TLS_PROFILE_NAMES } from '../transport/tls-profiles.ts';
import { readBoundedFile } from './bounded-file.ts';
import {
  checkPair,
  type LoadedPair,
  type PairContext,
  type PairFinding,
  type PairTexts,
} from './certificate-checks.ts';
import type { KeyPath } from './key-names.ts';
import type { Finding, RealityOptions } from './reality.ts';
import { openToOthers } from './secret-mode.ts';
import type { pairOptions } from './tls-options.ts';

/** A certificate and its key, as files or as texts. */
export interface PairOptions {
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly ocspResponseFile?: string | undefined;
}

/** What a server proves itself with: a pair, or a list of pairs. */
export interface IdentityOptions extends PairOptions {
  readonly certificates?: readonly PairOptions[] | undefined;
}

/** A pair that was read: what is wrong with it, and itself when nothing is. */
export interface PairReading {
  readonly findings: readonly PairFinding[];
  readonly pair: LoadedPair | undefined;
  /** An answer of OCSP that holds. */
  readonly ocspResponse: Buffer | undefined;
}

/** The pairs of a section, each with its place in it. */
export function pairsOf(section: IdentityOptions): readonly { readonly at: KeyPath; readonly pair: PairOptions }[] {
  const { certificates = [] } = section;
  if (certificates.length === 0) return [{ at: [], pair: section }];
  return certificates.map((pair, index) => ({ at: ['certificates', index], pair }));
}

/** What the files of a pair hold; undefined what is not given or could not be read. */
export interface PairContents {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly passphrase: string | undefined;
  readonly ocspResponse: Buffer | undefined;
}

/** Reads a pair's files and checks all of it. What is not given is nobody's mistake here: the schema demands it. */
export async function readPair(pair: PairOptions, context: Omit<PairContext, 'ocsp'> & OcspUse): Promise<PairReading> {
  const findings: PairFinding[] = [];
  const add = (on: PairFinding['on']) => (message: string) => void findings.push({ on, level: 'mistake', message });
  const contents = {
    certificate: pair.certificate ?? (await textOf(pair.certificateFile, 'public', add('certificate'))),
    key: pair.key ?? (await textOf(pair.keyFile, 'secret', add('key'))),
    passphrase: await textOf(pair.passphraseFile, 'secret', add('passphrase')),
    ocspResponse: pair.ocspResponseFile === undefined ? undefined : await bytesOf(pair.ocspResponseFile),
  };
  const judged = judgePair(pair, contents, context);
  const all = [...findings, ...judged.findings];
  return { ...judged, findings: all, pair: findings.length > 0 ? undefined : judged.pair };
}

/** Checks a pair whose files have been read. */
export function judgePair(
  pair: PairOptions,
  { certificate, key, passphrase, ocspResponse }: PairContents,
  context: Omit<PairContext, 'ocsp'> & OcspUse,
): PairReading {
  // Who writes a passphrase into a file ends the line.
  const texts = { certificate: certificate ?? '', key: key ?? '', passphrase: passphrase?.replace(/\r?\n$/, '') };
  const checked = checkPair(texts, { ...context, ocsp: ocspOf(pair, context) });
  const findings = checked.findings.filter(
    ({ on }) => !(on === 'certificate' && certificate === undefined) && !(on === 'key' && key === undefined),
  );
  if (pair.ocspResponseFile === undefined) return { findings, pair: checked.pair, ocspResponse: undefined };
  const useless = whyUseless(ocspResponse, checked.pair, context.nowMs);
  if (useless === undefined) return { findings, pair: checked.pair, ocspResponse };
  // An answer that is of no use keeps nobody from serving: clients then ask the authority themselves.
  const warning = { on: 'ocspResponse', level: 'warning', message: useless } as const;
  return { findings: [...findings, warning], pair: checked.pair, ocspResponse: undefined };
}

/** Where answers of OCSP about a pair come from. */
export function ocspOf({ ocspResponseFile }: PairOptions, { ocsp }: OcspUse): PairContext['ocsp'] {
  return ocspResponseFile === undefined ? ocsp : 'file';
}

/** What two pairs of one section must not share, in words behind the name of the second; undefined when all is well. */
export function sameFamily(pairs: readonly (LoadedPair | undefined)[], index: number): string | undefined {
  const kind = pairs[index]?.kind;
  if (kind === undefined) return undefined;
  const family = keyFamily(kind);
  const twin = pairs.slice(0, index).some((other) => other !== undefined && keyFamily(other.kind) === family);
  return twin ? `has an ${family} key, as another one in the list: only one of each kind can be shown` : undefined;
}

/** Whether answers are fetched. */
export interface OcspUse {
  readonly ocsp: 'off' | 'fetch';
}

/** What the gateway's TLS is, for judging its certificates. */
type TlsUse = OcspUse & Pick<PairContext, 'profile'>;

/**
 * Checks every certificate with its key, and that the certificates of a virtual host are for its name. The value need not
 * be valid otherwise.
 */
export async function tlsFindings(
  value: unknown,
  options: RealityOptions,
): Promise<{ readonly mistakes: readonly Finding[]; readonly warnings: readonly Finding[] }> {
  const { tls = {}, hosts = [] } = sketch.parse(value);
  const ocsp = tls.ocsp === 'fetch' ? 'fetch' : 'off';
  const profile = tls.profile;
  const sections = [
    { at: ['tls'], section: tls, hostName: undefined },
    ...hosts.map((host, index) => ({ at: ['hosts', index], section: host, hostName: hostNameOf(host.name) })),
  ];
  const all = await Promise.all(
    sections.map(({ at, section, hostName }) => sectionFindings(at, section, { ...options, hostName, ocsp, profile })),
  );
  const of = (wanted: PairFinding['level']) =>
    all.flat().flatMap(({ level, finding }) => (level === wanted ? finding : []));
  return { mistakes: of('mistake'), warnings: of('warning') };
}

const FILE_BYTES_MAX = 1_048_576;
/** Answers of OCSP have some hundred bytes, or a few thousand with the certificate of who signs them. */
const OCSP_BYTES_MAX = 65_536;

const given = z.string().optional().catch(undefined);
const pairSketch = {
  certificateFile: given,
  keyFile: given,
  certificate: given,
  key: given,
  passphraseFile: given,
  ocspResponseFile: given,
} satisfies Record<keyof typeof pairOptions, z.ZodType>;
const identitySketch = {
  ...pairSketch,
  certificates: z.array(z.object(pairSketch).catch({})).optional().catch(undefined),
};

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    tls: z
      .object({
        ...identitySketch,
        ocsp: given,
        profile: z.enum(TLS_PROFILE_NAMES).optional().catch(undefined),
      })
      .optional()
      .catch(undefined),
    hosts: z
      .array(z.object({ ...identitySketch, name: given }).catch({}))
      .optional()
      .catch(undefined),
  })
  .catch({});

/** A name that is none is the schema's business. */
function hostNameOf(name: string | undefined): string | undefined {
  return (name && parseHostName(name)) || undefined;
}

type Found = { readonly level: PairFinding['level']; readonly finding: Finding };

async function sectionFindings(
  at: KeyPath,
  section: IdentityOptions,
  { baseDirAt, nowMs, hostName, ocsp, profile }: RealityOptions & TlsUse & { readonly hostName: string | undefined },
): Promise<Found[]> {
  const found: Found[] = [];
  const places = pairsOf(section).map(({ at: inner, pair }) => ({ at: [...at, ...inner], pair }));
  const readings = await Promise.all(
    places.map(({ at: place, pair }) => readPair(absolute(pair, place, baseDirAt), { nowMs, hostName, ocsp, profile })),
  );
  for (const [index, { at: place, pair }] of places.entries()) {
    const add = (level: PairFinding['level'], option: keyof PairOptions, message: string) =>
      found.push({
        level,
        finding: { path: [...place, option], message: level === 'warning' ? `warning: ${message}` : message },
      });
    // A configuration is copied, mailed and committed; a key in it would travel along.
    if (pair.key) add('mistake', 'key', 'belongs in a file of its own: use key_file');
    // Of texts in a file nothing else is worth telling.
    for (const { on, level, message } of readings[index]?.findings ?? []) {
      if (pair[OPTIONS[on]]) add(level, OPTIONS[on], message);
    }
    const twin = sameFamily(
      readings.map((reading) => reading.pair),
      index,
    );
    if (twin !== undefined) add('mistake', 'keyFile', twin);
  }
  return found;
}

const OPTIONS: Readonly<Record<PairFinding['on'], keyof PairOptions>> = {
  certificate: 'certificateFile',
  key: 'keyFile',
  passphrase: 'passphraseFile',
  ocspResponse: 'ocspResponseFile',
};

/** The files of a pair. */
function absolute(pair: PairOptions, at: KeyPath, baseDirAt: RealityOptions['baseDirAt']): PairOptions {
  const path = (option: keyof PairOptions) => {
    const file = pair[option];
    return file ? resolve(baseDirAt([...at, option]), file) : undefined;
  };
  return {
    certificateFile: path('certificateFile'),
    keyFile: path('keyFile'),
    passphraseFile: path('passphraseFile'),
    ocspResponseFile: path('ocspResponseFile'),
  };
}

async function textOf(
  file: string | undefined,
  kind: 'public' | 'secret',
  mistake: (message: string) => void,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const read = await readBoundedFile(file, FILE_BYTES_MAX);
  if (!read.ok) {
    mistake(read.message);
    return undefined;
  }
  const open = kind === 'secret' ? openToOthers(file, read.mode) : undefined;
  if (open !== undefined) mistake(open);
  return read.text;
}

/** Why an answer of OCSP is not passed on; undefined when it is. */
function whyUseless(response: Buffer | undefined, pair: LoadedPair | undefined, nowMs: number): string | undefined {
  if (response === undefined) return 'is not there or cannot be read, so that no answer is passed on';
  const [certificate, issuer] = pair?.chain ?? [];
  if (certificate === undefined || issuer === undefined) return undefined;
  try {
    checkOcspResponse(response, { certificate, issuer }, nowMs);
    return undefined;
  } catch (error) {
    if (error instanceof OcspRefused) return `is not passed on, for it ${error.message}`;
    throw error;
  }
}

async function bytesOf(file: string): Promise<Buffer | undefined> {
  try {
    const facts = await stat(file);
    return facts.isFile() && facts.size <= OCSP_BYTES_MAX ? await readFile(file) : undefined;
  } catch {
    // The caller says so; why is told by the path.
    return undefined;
  }
}

/** The texts of a pair that has been read, with its key in the clear: to open it again for each connection would be slow. */
export function openedTexts({ chain, key }: LoadedPair): PairTexts {
  return {
    certificate: chain.map((certificate) => certificate.toString()).join(''),
    key: String(key.export({ type: 'pkcs8', format: 'pem' })),
  };
}
