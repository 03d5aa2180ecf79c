/** Reading the tables of the pages for those who come from elsewhere, and finding the tests that they name. */
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** The cells of every row of every table that has so many columns, head and rule left out. */
export function rowsOf(page: string, columns: number): readonly (readonly string[])[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-| ]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length === columns && cells[1] !== 'here');
}

/** Names in code style. */
export function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/** Why the test that a cell names (`file`: name) cannot be found; undefined when it is there. */
export function missingTest(cell: string): string | undefined {
  const [, path = '', name = ''] = /^`(test\/[^`]+)`: (.+)$/.exec(cell) ?? [];
  if (path === '') return `names no test: ${cell}`;
  if (!existsSync(new URL(path, root))) return `there is no ${path}`;
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/'/g, "\\\\?'");
  return new RegExp(`\\(\\s*['"\`]${quoted}`).test(textOf(path)) ? undefined : `${path} has no test ${name}`;
}
