/** A YAML file as a plain value whose every part remembers where it stands, so that a mistake can be pointed at. */
import { isMap, isPair, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { formatKeyPath, fromSnakeCase, type Key, type KeyPath, UNKNOWN_KEY } from './key-names.ts';
import { inOrder, type Problem } from './problem.ts';

/** A file that has been parsed, not yet checked. */
export interface YamlSource {
  /** Maps, lists and scalars with camelCase keys. A key that is no key of ours begins with `UNKNOWN_KEY`. */
  readonly value: unknown;
  /** Mistakes in the YAML itself: syntax, keys that come twice, aliases. */
  readonly problems: readonly Problem[];
  /** Whether the value is worth checking; after a syntax error it would only show mistakes that are none. */
  readonly sound: boolean;
  /**
   * A problem with what is at this path, or with the closest thing above it that is there. It stands where the value
   * does, and for a section or list at its key; `key` asks for the key in any case.
   */
  problemAt(path: KeyPath, message: string, part?: 'key'): Problem;
  /** What is written at this path; undefined when nothing is. */
  valueAt(path: KeyPath): unknown;
}

const SECOND_DOCUMENT = 'A second document begins here; everything must stand in one.';

/** Offsets in the text. */
interface Place {
  readonly key: number;
  readonly value: number;
}

/**
 * Parses a file's text. A key with nothing behind it counts as left out: so reads a section whose lines are all
 * commented out. Aliases are refused: a configuration needs none, and they can make a small file enormous.
 */
export function parseYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const places = new Map<string, Place>();
  const problems: Problem[] = [];

  const problem = (offset: number, path: KeyPath, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path: formatKeyPath(path), message };
  };
  for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
    const text = code === 'MULTIPLE_DOCS' ? SECOND_DOCUMENT : `${message.replaceAll('\n', ' ')}.`.replace(/\.\.$/, '.');
    problems.push(problem(pos[0], [], text));
  }

  const read = (node: ParsedNode | null, path: KeyPath, keyOffset?: number): unknown => {
    const own = node?.range[0];
    places.set(JSON.stringify(path), {
      key: keyOffset ?? own ?? 0,
      value: (isScalar(node) && node.source !== '' ? own : keyOffset) ?? own ?? 0,
    });
    if (isMap(node)) {
      const value: Record<string, unknown> = {};
      for (const { key, value: inner } of node.items) {
        const name = isScalar(key) ? String(key.value) : 'a key that is no text';
        const camel = fromSnakeCase(name) ?? `${UNKNOWN_KEY}${name}`;
        value[camel] = read(inner, [...path, camel], key.range[0]);
      }
      return value;
    }
    // Ordered maps (`!!omap`, `!!pairs`) come as lists of pairs, which have no place in the text.
    if (isSeq(node) && node.items.some(isPair)) {
      problems.push(problem(node.range[0], path, 'has a tag; write it without'));
      return undefined;
    }
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]));
    if (isScalar(node)) return node.value ?? undefined;
    if (node !== null) problems.push(problem(node.range[0], path, 'is an alias; write it out'));
    return undefined;
  };
  const value = document.contents === null ? {} : (read(document.contents, []) ?? {});

  return {
    value,
    problems: inOrder(problems),
    sound: document.errors.every((error) => error.code === 'DUPLICATE_KEY'),
    problemAt(path, message, part) {
      let length = path.length;
      while (length > 0 && !places.has(JSON.stringify(path.slice(0, length)))) length--;
      const place = places.get(JSON.stringify(path.slice(0, length)));
      return problem((part === 'key' ? place?.key : place?.value) ?? 0, path, message);
    },
    valueAt: (path) => path.reduce<unknown>(child, value),
  };
}

function child(value: unknown, key: Key): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
