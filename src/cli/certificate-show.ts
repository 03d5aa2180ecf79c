/** `sallyport cert show`: what is in files, and what they have to do with each other. */
import { readFile, stat } from 'node:fs/promises';
import { openToOthers } from '../config/secret-mode.ts';
import { systemClock } from '../lib/clock.ts';
import { DerError } from '../lib/der.ts';
import { printable } from '../lib/printable.ts';
import { type AskPassword, type Facts, type Item, itemsIn } from './certificate-facts.ts';
import { isIssuedBy, isSelfIssued } from './certificate-parts.ts';
import { secretFor } from './certificate-secrets.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** How it is shown. */
export interface ShowOptions {
  readonly json?: true;
  readonly passwordFile?: string;
}

/** Prints what is in the files. @throws CommandFailure behind the last one, when one of them cannot be read. */
export async function show(paths: readonly string[], options: ShowOptions, terminal: Terminal): Promise<void> {
  const nowMs = systemClock.now();
  const files: ShownFile[] = [];
  const failures: string[] = [];
  for (const path of paths) {
    try {
      const items = await itemsIn(await readFile(path), nowMs, passwordOf(path, options, terminal));
      files.push({ path, items, modeProblem: await modeProblem(path, items) });
    } catch (error) {
      failures.push(`${path} cannot be shown: ${reason(error)}`);
    }
  }
  const shown = files.map((file) => ({
    file: file.path,
    items: file.items.map((item, index) => ({ ...item.facts, remarks: remarks(file, index, files) })),
  }));
  if (options.json === true) terminal.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else terminal.stdout.write(shown.map(({ file, items }) => textOf(file, items)).join('\n'));
  if (failures.length > 0) throw new CommandFailure('failure', failures.join('\nsallyport: '));
}

interface ShownFile {
  readonly path: string;
  readonly items: readonly Item[];
  readonly modeProblem: string | undefined;
}

/** What ends sooner than that is remarked upon, in days. Lists are made for a month. */
const EXPIRY_NEAR_DAYS = { certificate: 30, 'revocation list': 7 };

function passwordOf(path: string, { passwordFile }: ShowOptions, terminal: Terminal): AskPassword {
  const source = { file: passwordFile, option: '--password-file' };
  return async (what) => {
    // A locked key has little to show, and nobody should have to type for it.
    const isAsked = passwordFile !== undefined || (what === 'file' && terminal.stdin.isTTY === true);
    return isAsked ? secretFor(source, terminal, `Password of ${path}: `) : undefined;
  };
}

async function modeProblem(path: string, items: readonly Item[]): Promise<string | undefined> {
  if (!items.some(({ facts }) => facts.kind === 'private key')) return undefined;
  return openToOthers(path, (await stat(path)).mode);
}

/** What is to be said of one item: what is wrong with it, and which of the other files belong to it. */
function remarks(file: ShownFile, index: number, files: readonly ShownFile[]): readonly string[] {
  const item = file.items[index];
  if (item === undefined) return [];
  const all = files.flatMap(({ path, items }) => items.map((other) => ({ path, ...other })));
  const { facts, certificate, list } = item;
  const said: string[] = [];
  if ('daysLeft' in facts && facts.daysLeft !== undefined) {
    if (facts.daysLeft < 0) said.push('HAS EXPIRED');
    else if (facts.daysLeft < EXPIRY_NEAR_DAYS[facts.kind]) said.push(`ends in ${facts.daysLeft} days`);
  }
  if ('signature' in facts && facts.signature.includes('broken')) said.push('is signed in a way that can be forged');
  if (facts.kind === 'request' && !facts.proven) said.push('IS NOT SIGNED BY ITS OWN KEY');
  if (facts.kind === 'private key' && file.modeProblem !== undefined) said.push(file.modeProblem);

  if (certificate !== undefined) {
    const next = file.items[index + 1]?.certificate;
    if (next !== undefined && isIssuedBy(certificate, next) !== true && !isSelfIssued(certificate))
      said.push('IS NOT SIGNED BY THE NEXT ONE IN THE FILE');
    for (const other of all) {
      if (other.certificate === undefined || other.certificate === certificate) continue;
      if (isIssuedBy(certificate, other.certificate) === true && !isSelfIssued(certificate))
        said.push(`signed by the authority in ${other.path}`);
    }
    for (const other of all) {
      if (other.list === undefined || !other.list.issuer.equals(certificate.issuer)) continue;
      const isRevoked = other.list.revocations.some(({ serialNumber }) => serialNumber === certificate.serialNumber);
      said.push(isRevoked ? `REVOKED BY ${other.path}` : `not revoked by ${other.path}`);
    }
  }
  if (list !== undefined) {
    for (const other of all) {
      if (other.certificate === undefined || !other.certificate.subject.equals(list.issuer)) continue;
      const isSigned = isIssuedBy(list, other.certificate) === true;
      said.push(isSigned ? `signed by the authority in ${other.path}` : `NOT SIGNED BY ${other.path}`);
    }
  }
  if (facts.kind === 'private key' && facts.publicKeySha256 !== undefined) {
    for (const other of all) {
      const { facts: theirs } = other;
      if (theirs.kind === 'private key' || theirs.kind === 'revocation list') continue;
      if (theirs.publicKeySha256 === facts.publicKeySha256) said.push(`the key of the ${theirs.kind} in ${other.path}`);
    }
  }
  return [...new Set(said)];
}

type ShownItem = Facts & { readonly remarks: readonly string[] };

function textOf(path: string, items: readonly ShownItem[]): string {
  const blocks = items.map((item) =>
    rows(item)
      .map(([title, text]) => `  ${title.padEnd(TITLE_WIDTH)}${printable(text)}\n`)
      .join(''),
  );
  return `${printable(path)}\n${blocks.join('\n')}`;
}

type Row = readonly [title: string, text: string];
const TITLE_WIDTH = 16;

function rows(item: ShownItem): readonly Row[] {
  return [...factRows(item), ...item.remarks.map((text, index): Row => [index === 0 ? 'remarks' : '', text])];
}

function factRows(item: ShownItem): readonly Row[] {
  switch (item.kind) {
    case 'certificate':
      return [
        [item.authority ? 'authority' : 'certificate', item.subject || 'without a subject'],
        ['issued by', item.issuer === item.subject ? 'itself' : item.issuer],
        ...(item.authority ? [] : names(item.names)),
        ['for', uses(item)],
        ['valid', `${day(item.notBefore)} to ${day(item.notAfter)}, ${left(item.daysLeft)}`],
        ['serial number', item.serialNumber],
        ['signed with', item.signature],
        ['SHA-256', item.fingerprintSha256],
        ...keyRows(item),
      ];
    case 'request':
      return [
        ['request', item.subject || 'without a subject'],
        ...names(item.names),
        ['asks for', uses(item)],
        ['signed with', item.signature],
        ...keyRows(item),
      ];
    case 'revocation list':
      return [
        ['revocation list', item.issuer],
        ['number', item.number ?? 'none'],
        ['made', item.thisUpdate],
        ['next by', item.nextUpdate === undefined ? 'not said' : `${item.nextUpdate}, ${left(item.daysLeft ?? 0)}`],
        ['signed with', item.signature],
        ...item.revoked.map(
          ({ serialNumber, revoked, reason }, index): Row => [
            index === 0 ? 'revoked' : '',
            `${serialNumber}  ${day(revoked)}  ${reason}`,
          ],
        ),
        ...(item.revoked.length === 0 ? [['revoked', 'none'] as const] : []),
      ];
    case 'private key':
      return [
        [
          'private key',
          `${item.key === 'unknown' ? 'of an unknown kind' : item.key}${item.locked ? ', locked with a passphrase' : ''}`,
        ],
        ...keyRows(item).slice(1),
      ];
  }
}

function names(given: readonly string[]): readonly Row[] {
  return given.length === 0 ? [['names', 'none']] : given.map((name, index) => [index === 0 ? 'names' : '', name]);
}

function uses({
  purposes,
  keyUsages,
  authority,
  ...rest
}: Extract<ShownItem, { readonly keyUsages: readonly string[] }>) {
  const known: Readonly<Record<string, string>> = { serverAuth: 'TLS servers', clientAuth: 'TLS clients' };
  const below =
    'pathLength' in rest
      ? `, ${rest.pathLength || 'no'} ${rest.pathLength === 1 ? 'authority' : 'authorities'} below it`
      : '';
  const what = [...(authority ? [`signing certificates${below}`] : []), ...purposes.map((one) => known[one] ?? one)];
  return `${what.join(', ') || 'any purpose'} (${keyUsages.join(', ') || 'any usage'})`;
}

function keyRows({ key, publicKeySha256, pin }: Extract<ShownItem, { readonly key: string }>): readonly Row[] {
  return [
    ['key', key],
    ...(publicKeySha256 === undefined ? [] : [['public_key', publicKeySha256] as const]),
    ...(pin === undefined ? [] : [['pin', pin] as const]),
  ];
}

function day(isoTime: string): string {
  return isoTime.slice(0, 10);
}

function left(days: number): string {
  return days < 0 ? 'EXPIRED' : `${days} days left`;
}

function reason(error: unknown): string {
  if (error instanceof DerError || error instanceof CommandFailure) return error.message;
  return error instanceof Error && 'syscall' in error ? error.message : 'it is damaged, or something else';
}
