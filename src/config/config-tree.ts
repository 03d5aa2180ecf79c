/**
 * A configuration as one value that may come from many files: `include` names more of them, maps merge, lists
 * concatenate, and every part remembers in which file it stands.
 */
import { glob, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { readBoundedFile } from './bounded-file.ts';
import type { Key, KeyPath } from './key-names.ts';
import { fileProblem, inOrder, type Problem } from './problem.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

/** The merged value of a configuration file and of everything that it includes. */
export interface ConfigTree extends YamlSource {
  /** The folder that relative paths at this path are relative to: that of the file in which they stand, absolute. */
  baseDirAt(path: KeyPath): string;
  /** Every file that was read, absolute, the first one first. */
  readonly files: readonly string[];
  /** Problems of several files in an order to read them in: file by file, and line by line. */
  inOrder(problems: readonly Problem[]): Problem[];
}

/** A tree, or the problem of a first file that cannot be read. */
export type ConfigRead =
  | { readonly ok: true; readonly tree: ConfigTree }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a configuration file and what it includes. Only the first file has to be readable: whatever is wrong with the
 * others is among the tree's problems.
 */
export async function readConfigTree(path: string): Promise<ConfigRead> {
  const read = await readBoundedFile(resolve(path), CONFIG_BYTES_MAX);
  if (!read.ok) return { ok: false, problems: [fileProblem(path, read.message)] };
  const tree = new GrowingTree();
  const file = resolve(path);
  await tree.grow({ file, shown: path, source: parseYaml(path, read.text) }, [await realpath(file)]);
  return { ok: true, tree };
}

const CONFIG_BYTES_MAX = 16_777_216;
/** Files that include files that include files; more is hard to follow, and no one needs it. */
const DEPTH_MAX = 8;
const FILES_MAX = 1_000;

/** One file of the tree. */
interface Part {
  readonly file: string;
  readonly shown: string;
  readonly source: YamlSource;
}

/** Where a part of the merged value stands. */
interface Place {
  readonly part: Part;
  readonly path: KeyPath;
}

class GrowingTree implements ConfigTree {
  value: unknown = {};
  sound = true;
  readonly problems: Problem[] = [];
  readonly #parts: Part[] = [];
  /** The real paths of the files, and by what name each was read. */
  readonly #seen = new Map<string, string>();
  /** By the path of the outermost thing that came from there. */
  readonly #places = new Map<string, Place>();

  get files(): readonly string[] {
    return this.#parts.map(({ file }) => file);
  }

  problemAt(path: KeyPath, message: string, part?: 'key'): Problem {
    const place = this.#placeOf(path);
    return place.part.source.problemAt(place.path, message, part);
  }

  valueAt(path: KeyPath): unknown {
    return path.reduce<unknown>(
      (value, key) => (isMap(value) || Array.isArray(value) ? own(value, key) : undefined),
      this.value,
    );
  }

  readonly baseDirAt = (path: KeyPath): string => dirname(this.#placeOf(path).part.file);

  inOrder(problems: readonly Problem[]): Problem[] {
    const files = [...new Set([...this.#parts.map(({ shown }) => shown), ...problems.map(({ file }) => file)])];
    return files.flatMap((file) => inOrder(problems.filter((problem) => problem.file === file)));
  }

  /** Adds a file and what it includes; `chain` are the real paths of the files that led to it, its own last. */
  async grow(part: Part, chain: readonly string[]): Promise<void> {
    const { source } = part;
    this.#parts.push(part);
    this.#seen.set(chain.at(-1) ?? '', part.shown);
    this.problems.push(...source.problems);
    this.sound &&= source.sound;
    if (this.#parts.length === 1) this.#note([], { part, path: [] });
    if (!source.sound) return;
    if (isMap(source.value)) {
      const { include, ...rest } = source.value;
      this.#merge(this.value, rest, [], { part, path: [] });
      for (const [index, pattern] of this.#patterns(include, source).entries()) {
        await this.#include(pattern, { part, path: ['include', index] }, chain);
      }
    } else if (this.#parts.length === 1) this.value = source.value;
    else this.problems.push(source.problemAt([], 'must be a section with keys'));
  }

  /** The texts in `include`; whatever else stands there is a problem. */
  #patterns(include: unknown, source: YamlSource): string[] {
    if (include === undefined) return [];
    if (!Array.isArray(include)) {
      this.problems.push(source.problemAt(['include'], 'must be a list'));
      return [];
    }
    return include.map((pattern, index) => {
      if (typeof pattern === 'string' && pattern !== '') return pattern;
      this.problems.push(
        source.problemAt(['include', index], 'must be text: a file, or a pattern such as conf.d/*.yaml'),
      );
      return '';
    });
  }

  async #include(pattern: string, { part, path }: Place, chain: readonly string[]): Promise<void> {
    if (pattern === '') return;
    const folder = dirname(part.file);
    const refuse = (message: string) => void this.problems.push(part.source.problemAt(path, message));
    const names = WILDCARD.test(pattern) ? await matches(pattern, folder) : [pattern];
    for (const name of names) {
      const file = resolve(folder, name);
      const shown = isAbsolute(name) ? name : join(dirname(part.shown), name);
      if (this.#parts.length >= FILES_MAX) return refuse(`makes more than ${FILES_MAX} files`);
      const read = await readBoundedFile(file, CONFIG_BYTES_MAX);
      if (!read.ok) {
        refuse(read.message);
        continue;
      }
      const real = await realpath(file);
      const circle = chain.indexOf(real);
      const seen = this.#seen.get(real);
      if (circle !== -1) {
        const names = [...chain.slice(circle), real].map((link) => this.#seen.get(link));
        refuse(`goes round in a circle: ${names.join(' includes ')}`);
      } else if (seen !== undefined) refuse(`brings ${shown}, which is included already`);
      else if (chain.length >= DEPTH_MAX) refuse(`is more than ${DEPTH_MAX} files deep`);
      else await this.grow({ file, shown, source: parseYaml(shown, read.text) }, [...chain, real]);
    }
  }

  /** Puts what a file says into the value: `target` is at `at` there, `more` at `from.path` in the file. */
  #merge(target: unknown, more: unknown, at: KeyPath, from: Place): void {
    if (Array.isArray(target) && Array.isArray(more)) {
      for (const [index, entry] of more.entries()) {
        this.#note([...at, target.length], { ...from, path: [...from.path, index] });
        target.push(entry);
      }
      return;
    }
    if (!isMap(target) || !isMap(more)) {
      const { file, line, column } = this.problemAt(at, '');
      const what = isMap(target) || Array.isArray(target) ? 'is written in another form' : 'is set already';
      const problem = from.part.source.problemAt(from.path, `${what} at ${file}:${line}:${column}`);
      this.problems.push(problem);
      return;
    }
    for (const [key, value] of Object.entries(more)) {
      const inner = { ...from, path: [...from.path, key] };
      if (value !== undefined && own(target, key) !== undefined) this.#merge(target[key], value, [...at, key], inner);
      else if (value !== undefined || !Object.hasOwn(target, key)) {
        this.#note([...at, key], inner);
        // What is merged later goes into the same lists and maps, which are this tree's own.
        target[key] = structuredClone(value);
      }
    }
  }

  #note(at: KeyPath, place: Place): void {
    this.#places.set(JSON.stringify(at), place);
  }

  #placeOf(path: KeyPath): Place {
    for (let length = path.length; ; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return { ...place, path: [...place.path, ...path.slice(length)] };
    }
  }
}

const WILDCARD = /[*?[{]/;

/** The files that a pattern means, in the order of their names, so that it does not depend on the disk. */
async function matches(pattern: string, folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern, { cwd: folder })) names.push(name);
  return names.sort();
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(value: object, key: Key): unknown {
  return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
