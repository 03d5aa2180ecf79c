/** Signing the request of somebody else: it is shown, judged, and gets the names that the command line allows, no others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable.ts';
import { authorityFiles, type CaOptions, type ClientNameOptions, type OutOptions } from './cert-options.ts';
import { parsed, readAuthority } from './certificate-authority.ts';
import { clientAlternatives, existing, signedBy, warnOfDays } from './certificate-issue.ts';
import { keyText } from './certificate-keys.ts';
import { nameText } from './certificate-names-der.ts';
import {
  alternativeNamesOf,
  keyUsagesOf,
  purposesOf,
  type RequestParts,
  readRequest,
  subjectKey,
} from './certificate-parts.ts';
import { pemBlocks } from './certificate-pem.ts';
import { type Allowed, excessOf, requestProblem } from './certificate-request.ts';
import { refuseExisting, writeFiles } from './certificate-write.ts';
import { type Contents, clientContents, period, serverCommonName, serverContents } from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import { askOnce } from './password-input.ts';
import type { Terminal } from './terminal.ts';

/** What a request is signed as. */
export type SignOptions = OutOptions &
  CaOptions &
  ClientNameOptions & {
    /** The certificate is a client's, of that name. */
    readonly client?: string;
    /** The certificate is a server's, with these names. */
    readonly server?: readonly string[];
    readonly days: number;
    readonly file: string;
    readonly drop?: true;
    readonly yes?: true;
  };

/** Signs the request in a file. @returns the files written. @throws CommandFailure for what should not be signed. */
export async function signRequest(path: string, options: SignOptions, terminal: Terminal): Promise<readonly string[]> {
  const out = join(options.out, `${options.client === undefined ? options.file : `client-${options.client}`}.crt`);
  if (options.force !== true) await refuseExisting([out]);
  const request = await requestIn(path);
  terminal.stderr.write(`${path} asks for:\n${lines(asked(path, request))}`);
  const problem = parsed(path, () => requestProblem(request));
  if (problem !== undefined) throw new CommandFailure('failure', `${path} ${problem}.`);

  const { allowed, contents } = granted(request, options);
  const excess = parsed(path, () => excessOf(request, allowed));
  const list = lines(excess.map((one) => ['', printable(one)]));
  if (excess.length > 0 && options.drop !== true) {
    throw new CommandFailure(
      'failure',
      `It asks for what the command line does not allow:\n${list}Allow names with options, or leave all of that out with --drop.`,
    );
  }
  if (excess.length > 0) terminal.stderr.write(`Left out:\n${list}`);

  const nowMs = systemClock.now();
  const authority = await readAuthority(authorityFiles(options, options.out), nowMs, terminal);
  if (allowed.purpose === 'serverAuth') warnOfDays(options.days, terminal);
  terminal.stderr.write(
    `It will be:\n${lines(grantedLines(allowed, options.days, nameText(authority.certificate.subject)))}`,
  );
  if (options.yes !== true) await confirm(terminal);
  const cert = signedBy(authority, contents, period({ nowMs, days: options.days }), terminal);
  return writeFiles([{ path: out, contents: cert + authority.intermediates, holds: 'certificate' }], existing(options));
}

async function requestIn(path: string): Promise<RequestParts> {
  const bytes = await readFile(path);
  const [block] = pemBlocks(bytes.toString('latin1')).filter(({ label }) => label.endsWith('CERTIFICATE REQUEST'));
  return parsed(path, () => readRequest(block?.bytes ?? bytes));
}

function granted(request: RequestParts, options: SignOptions): { allowed: Allowed; contents: Contents } {
  if (options.client !== undefined) {
    const alternatives = clientAlternatives(options);
    return {
      allowed: { purpose: 'clientAuth', commonName: options.client, alternatives },
      contents: clientContents(request.spki, options.client, alternatives),
    };
  }
  const names = options.server ?? [];
  const contents = serverContents(request.spki, names);
  const alternatives = alternativeNamesOf(contents.extensions);
  return { allowed: { purpose: 'serverAuth', commonName: serverCommonName(names), alternatives }, contents };
}

function asked(path: string, request: RequestParts): readonly Line[] {
  return parsed(path, () => [
    ['subject', nameText(request.subject) || 'none'],
    ['names', alternativeNamesOf(request.extensions).join(', ') || 'none'],
    [
      'for',
      [...(purposesOf(request.extensions) ?? []), ...(keyUsagesOf(request.extensions) ?? [])].join(', ') || 'anything',
    ],
    ['key', keyText(subjectKey(request))],
  ]);
}

function grantedLines({ purpose, commonName, alternatives }: Allowed, days: number, issuer: string): readonly Line[] {
  return [
    ['subject', `CN=${commonName}`],
    ['names', alternatives.join(', ') || 'none'],
    ['for', purpose === 'serverAuth' ? 'servers' : 'clients'],
    ['valid', `${days} days`],
    ['issued by', issuer],
  ];
}

type Line = readonly [title: string, text: string];

function lines(rows: readonly Line[]): string {
  return rows.map(([title, text]) => `  ${title === '' ? '' : title.padEnd(11)}${printable(text)}\n`).join('');
}

async function confirm(terminal: Terminal): Promise<void> {
  const question = { question: 'Sign it? [y/N] ', otherwise: 'There is no terminal to ask on: use --yes.' };
  if (/^y(?:es)?$/i.test((await askOnce(terminal, question, 'shown')).trim())) return;
  throw new CommandFailure('failure', 'Nothing was signed.');
}
