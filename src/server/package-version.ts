/** The version of this very package. */
import { readFileSync } from 'node:fs';

/** The version, as `package.json` has it. */
export function packageVersion(): string {
  // Two folders up from here is the package's root, for the sources and for what is built from them.
  const text: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof text === 'object' && text !== null && 'version' in text ? String(text.version) : 'unknown';
}
