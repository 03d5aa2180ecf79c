/** A mistake in a configuration file, and where it stands. */
import { printable } from '../lib/printable.ts';

/** One mistake. Lines and columns count from 1. */
export interface Problem {
  /** The file's name as the operator gave it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key, as `users[2].home`; empty for what is wrong with the file as a whole or with its YAML. */
  readonly path: string;
  readonly message: string;
}

/** The problem as one line that an editor can jump to: `sallyport.yaml:14:7 users[2].home: is missing`. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const subject = path === '' ? '' : `${path}: `;
  return printable(`${file}:${line}:${column} ${subject}${message}`);
}

/** The problem that a file as a whole is; it stands at the file's beginning. */
export function fileProblem(file: string, message: string): Problem {
  return { file, line: 1, column: 1, path: '', message };
}

/** The problems of one file in the order of its lines. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
