/** The rules of the house as pure functions over source files: each gives a sentence for every place that breaks it. */
import { posix } from 'node:path';
import { type Import, importsOf, is, isMember, type Token, tokensOf } from './imports.ts';

/** A file of the project, its path beginning with `src/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A folder's place in the house. */
export interface Layer {
  /** A file imports only from folders of a lower number, and from its own. */
  readonly number: number;
  /** Packages and Node modules that its files may import; `*` at the end stands for any ending. */
  readonly outside: readonly string[];
  /** What its files may import with `import type` only. */
  readonly typesOnly?: readonly string[];
  /** What only those of its files may import whose paths begin so. */
  readonly inFiles?: Readonly<Record<string, readonly string[]>>;
}

/** The folders of `src`. */
export type House = Readonly<Record<string, Layer>>;

/** The entrances of the package: they stand above the layers and may import, and hand on, anything. */
const ENTRANCES = ['src/index.ts', 'src/testing.ts'];
const LINES_MAX = 400;
/** Loads the modules that a configuration names: what they are called is the operator's to say. */
const LOADER = 'src/config/load-modules.ts';

/** Every file lives in a folder of the house. */
export function brokenFolders(files: readonly SourceFile[], house: House): string[] {
  return files
    .filter(({ path }) => !ENTRANCES.includes(path) && layerOf(path, house) === undefined)
    .map(({ path }) => `${path} is in no folder of the house`);
}

/** A file imports only from lower layers and its own folder; the folders of one layer do not know each other. */
export function brokenLayers(files: readonly SourceFile[], house: House): string[] {
  return eachImport(files, ({ path }, { specifier }) => {
    if (specifier === undefined) return path === LOADER ? undefined : `${path} computes what it imports`;
    if (!specifier.startsWith('.') || ENTRANCES.includes(path)) return undefined;
    const target = posix.join(posix.dirname(path), specifier);
    if (folderOf(target) === folderOf(path)) return undefined;
    const from = layerOf(path, house)?.number ?? -1;
    const to = layerOf(target, house)?.number;
    if (to !== undefined && to < from) return undefined;
    return `${path} (layer ${from}) imports ${target} (layer ${to ?? 'none'})`;
  });
}

/** A file imports only the packages and Node modules that its folder may touch. */
export function brokenOutside(files: readonly SourceFile[], house: House): string[] {
  return eachImport(files, ({ path }, { specifier, typesOnly }) => {
    if (specifier === undefined || specifier.startsWith('.') || ENTRANCES.includes(path)) return undefined;
    const layer = layerOf(path, house);
    if (layer === undefined) return undefined;
    const own = Object.entries(layer.inFiles ?? {}).flatMap(([start, names]) => (path.startsWith(start) ? names : []));
    const allowed = [...layer.outside, ...own, ...(typesOnly ? (layer.typesOnly ?? []) : [])];
    if (allowed.some((pattern) => covers(pattern, specifier))) return undefined;
    return `${path} imports ${typesOnly ? 'types of ' : ''}${specifier}`;
  });
}

/** Only the entrances hand on what another file exports, and nothing is exported by default or wholesale. */
export function brokenExports(files: readonly SourceFile[]): string[] {
  const handedOn = eachImport(files, ({ path }, { reexported, specifier }) =>
    reexported && !ENTRANCES.includes(path) ? `${path} hands on ${specifier}` : undefined,
  );
  const faceless = files.flatMap(({ path, text }) =>
    tokensOf(text).flatMap((_, index, tokens) => {
      if (isWholesale(tokens, index)) return [`${path} has an export *`];
      return isDefault(tokens, index) ? [`${path} has a default export`] : [];
    }),
  );
  return [...handedOn, ...faceless];
}

/** The environment, the exit, the clock and chance belong to `cli` and `lib/clock.ts`; everyone else is given them. */
export function brokenSurroundings(files: readonly SourceFile[]): string[] {
  const judged = files.filter(({ path }) => folderOf(path) !== 'cli' && path !== 'src/lib/clock.ts');
  const imported = eachImport(judged, ({ path }, { specifier }) =>
    specifier === 'node:process' || specifier === 'process' ? `${path} imports ${specifier}` : undefined,
  );
  const used = judged.flatMap(({ path, text }) =>
    tokensOf(text).flatMap((_, index, tokens) => {
      const found = surroundingAt(tokens, index);
      return found === undefined ? [] : [`${path} uses ${found}`];
    }),
  );
  return [...imported, ...used];
}

/**
 * Of sockets that are dropped one behind the other, TLS comes before what it lies on: a client's TLSSocket whose socket has gone
 * first ends the whole process in Node 26.10 (SIGSEGV). Only statements that follow each other are looked at.
 */
export function brokenTeardown(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const tokens = tokensOf(text);
    const overTls = tlsSocketsIn(tokens);
    return dropsIn(tokens).flatMap((names) => {
      const late = names.findLastIndex((name) => overTls.has(name));
      const early = names.slice(0, Math.max(0, late)).find((name) => !overTls.has(name));
      return early === undefined ? [] : [`${path} drops ${early} before ${names[late]}, which is TLS over it`];
    });
  });
}

/** A file begins by saying what lives there, and is not too long to be read. */
export function brokenShape(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lineCount = text.trimEnd().split('\n').length;
    return [
      ...(/^(?:#!.*\n)?\/\*\*/.test(text) ? [] : [`${path} does not begin with a doc comment`]),
      ...(lineCount <= LINES_MAX ? [] : [`${path} has ${lineCount} lines, more than ${LINES_MAX}`]),
    ];
  });
}

/** What gives a TLSSocket. */
const TLS_SOURCES = ['TLSSocket', 'connectTls', 'secureOut'];

/** The names that a file gives to sockets of TLS, and to what it sets to one of them. */
function tlsSocketsIn(tokens: readonly Token[]): ReadonlySet<string> {
  const found = new Set<string>();
  tokens.forEach((token, index) => {
    if (!is(token, '=')) return;
    const value = tokens.slice(index + 1, index + 4).find((next) => !is(next, 'new') && !is(next, 'await'));
    if (value === undefined || !(TLS_SOURCES.includes(value.text) || found.has(value.text))) return;
    // Behind the name there may be a type of one word.
    const name = is(tokens[index - 2], ':') ? tokens[index - 3] : tokens[index - 1];
    if (name?.kind === 'word') found.add(name.text);
  });
  return found;
}

/** What statements drop that follow each other: runs of names, in their order. */
function dropsIn(tokens: readonly Token[]): string[][] {
  const runs: string[][] = [];
  let previous: number | undefined;
  tokens.forEach((token, index) => {
    if (!/^(?:destroy|resetAndDestroy)$/.test(token.text) || !isMember(tokens, index)) return;
    const name = tokens[is(tokens[index - 2], '?') ? index - 3 : index - 2]?.text ?? '';
    const between = tokens.slice((previous ?? index) + 1, index).map(({ text }) => text);
    if (previous !== undefined && NEXT_STATEMENT.test(between.join(' '))) runs.at(-1)?.push(name);
    else runs.push([name]);
    previous = index;
  });
  return runs;
}

/** From behind one such call to the next: its arguments, and whose method is called then. */
const NEXT_STATEMENT = /^\( [^(){};]*\) ; (?:[\w$#]+ (?:\? )?\. ?)+$/;

function eachImport(
  files: readonly SourceFile[],
  judge: (file: SourceFile, found: Import) => string | undefined,
): string[] {
  return files.flatMap((file) =>
    importsOf(tokensOf(file.text)).flatMap((found) => {
      const sentence = judge(file, found);
      return sentence === undefined ? [] : [sentence];
    }),
  );
}

/** The folder below `src`; undefined for files at the top of it and for everything outside. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function layerOf(path: string, house: House): Layer | undefined {
  const folder = folderOf(path);
  return folder !== undefined && Object.hasOwn(house, folder) ? house[folder] : undefined;
}

function covers(pattern: string, specifier: string): boolean {
  if (pattern.endsWith('*')) return specifier.startsWith(pattern.slice(0, -1));
  return specifier === pattern || specifier.startsWith(`${pattern}/`);
}

function isWholesale(tokens: readonly Token[], index: number): boolean {
  if (!is(tokens[index], 'export')) return false;
  return is(tokens[index + 1], '*') || (is(tokens[index + 1], 'type') && is(tokens[index + 2], '*'));
}

function isDefault(tokens: readonly Token[], index: number): boolean {
  if (!is(tokens[index], 'default')) return false;
  return is(tokens[index - 1], 'export') || is(tokens[index - 1], 'as');
}

/** What must not be reached for. A member that is computed could be any of them. */
const SURROUNDINGS: Readonly<Record<string, readonly string[]>> = {
  process: ['env', 'exit', '['],
  Date: ['now', '['],
  performance: ['now', '['],
  Math: ['random', '['],
};

function surroundingAt(tokens: readonly Token[], index: number): string | undefined {
  const owner = tokens[index];
  if (owner?.kind !== 'word' || !Object.hasOwn(SURROUNDINGS, owner.text)) return undefined;
  if (isMember(tokens, index) && !is(tokens[index - 2], 'globalThis')) return undefined;
  if (owner.text === 'Date' && is(tokens[index - 1], 'new') && readsClock(tokens, index + 1)) return 'new Date()';
  const [access, ...behind] = tokens.slice(index + 1, index + 4);
  if (!is(access, '.') && !is(access, '?') && !is(access, '[')) return undefined;
  const member = is(access, '[') ? access : behind.find((token) => !is(token, '.'));
  const name = SURROUNDINGS[owner.text]?.find((text) => is(member, text));
  return name === undefined ? undefined : `${owner.text}.${name}`;
}

/** `new Date` without arguments is the time of day. */
function readsClock(tokens: readonly Token[], index: number): boolean {
  return !is(tokens[index], '(') || is(tokens[index + 1], ')');
}
