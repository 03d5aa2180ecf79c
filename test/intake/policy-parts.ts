/** What the tests of profiles, quotas and retention share: settings by directory, and uploads. */
import { type IntakeOptions, intakeDirective, intakeOptions } from '../../src/intake/intake-directive.ts';
import { isWithin, ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { Directive } from '../../src/spi/directive.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, StageRequest } from '../../src/spi/file-system.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import type { Session } from '../../src/spi/session.ts';
import type { Settings } from '../../src/spi/settings.ts';
import { accountWith, arrivalOf, sessionOf } from './doors.ts';

/** What directories say, by path; each holds below as well. */
export type Sections = Readonly<Record<string, Partial<IntakeOptions>>>;

/** A path of a test. */
export function at(text: string): VirtualPath {
  const path = resolvePath(ROOT, text);
  if (path === undefined) throw new Error(`no path: ${text}`);
  return path;
}

/** Settings in which directories say this of intake. */
export function settingsOf(sections: Sections): Settings {
  const valueAt = <Value>(directive: Directive<Value>, directory: VirtualPath): Value => {
    if (directive.name !== intakeDirective.name) return directive.initial;
    const holding = Object.keys(sections).filter((path) => isWithin(directory, at(path)));
    holding.sort((a, b) => a.length - b.length);
    return holding.reduce(
      (outer, path) => directive.merge(outer, directive.schema.parse(intakeOptions.parse(sections[path]))),
      directive.initial,
    );
  };
  return {
    inSession: (directive) => valueAt(directive, ROOT),
    atDirectory: async (directive, _session, directory) => valueAt(directive, directory),
  };
}

/** Whose files they are; the notes go nowhere. */
export function useOf(
  files: FileSystem,
  { name = 'partner', permissions = 'elradfmwMT' }: { readonly name?: string; readonly permissions?: string } = {},
): { readonly session: Session; readonly account: Account; note(): void } {
  const letters = parsePermissions(permissions) ?? new Set();
  const account = { ...accountWith(files), name, permissions: letters };
  return { session: sessionOf(files), account, note: () => undefined };
}

/** Uploads as commands do, in pieces; whatever goes wrong ends in abort. */
export async function upload(
  files: FileSystem,
  path: string,
  text: string | readonly string[],
  request: StageRequest = { from: 'empty', existing: 'replace' },
): Promise<void> {
  const pieces = typeof text === 'string' ? [text] : text;
  const staged = await files.stage(at(path), request);
  try {
    for (const piece of pieces) await staged.write([Buffer.from(piece)]);
    await staged.commit(arrivalOf(pieces.join('')));
  } catch (error) {
    await staged.abort('remove');
    throw error;
  }
}

/** The kind of the fault that it ends with, or `done`. */
export async function ending(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}
