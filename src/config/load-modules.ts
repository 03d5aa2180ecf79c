/**
 * Loads the modules that a configuration names: code of the operator's own, or of a package. It runs with everything
 * the gateway may do, so it is loaded from files that nobody else may write.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire, findPackageJSON } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Directive } from '../spi/directive.ts';
import { checkModule, type Module } from '../spi/module.ts';
import { whyNot } from './bounded-file.ts';
import type { ConfigTree } from './config-tree.ts';
import { allDirectives } from './options.ts';
import { withOwnPackage } from './own-package.ts';
import type { Problem } from './problem.ts';

/** A module as a configuration names it, and the folder of the file that does. */
export interface NamedModule {
  readonly name: string;
  readonly folder: string;
}

/** The modules of a configuration, and what is wrong with those that are not among them. */
export interface LoadedModules {
  readonly modules: readonly Module[];
  readonly names: readonly NamedModule[];
  /** The directives that may be written: those of the built-in modules, and of these. */
  readonly directives: readonly Directive[];
  readonly problems: readonly Problem[];
}

/** Loads everything in the list `modules`. Entries that are no text are the schema's business. */
export async function loadModules(tree: ConfigTree): Promise<LoadedModules> {
  const listed = tree.valueAt(['modules']);
  const modules: Module[] = [];
  const names: NamedModule[] = [];
  const problems: Problem[] = [];
  for (const [index, name] of (Array.isArray(listed) ? listed : []).entries()) {
    if (typeof name !== 'string' || name === '') continue;
    const path = ['modules', index];
    try {
      const folder = tree.baseDirAt(path);
      const more = await modulesIn(name, folder);
      // Collisions are looked for one by one, so that each stands at the module that makes it.
      allDirectives([...modules, ...more]);
      modules.push(...more);
      names.push({ name, folder });
    } catch (error) {
      problems.push(tree.problemAt(path, error instanceof Error ? oneLine(error.message) : 'cannot be loaded'));
    }
  }
  return { modules, names, directives: allDirectives(modules), problems };
}

/** Loads modules that another process has loaded. @throws Error that names the module, and says what is wrong. */
export async function loadNamedModules(names: readonly NamedModule[]): Promise<readonly Module[]> {
  const modules: Module[] = [];
  for (const { name, folder } of names) {
    try {
      modules.push(...(await modulesIn(name, folder)));
    } catch (error) {
      throw new Error(`module ${name}: ${error instanceof Error ? oneLine(error.message) : 'cannot be loaded'}`, {
        cause: error,
      });
    }
  }
  return modules;
}

/** @throws Error whose message fits behind the name of a key. */
async function modulesIn(name: string, folder: string): Promise<readonly Module[]> {
  const file = isFileName(name) ? resolve(folder, name) : await packageEntry(name, folder);
  await refuseUnsafe(file);
  const exported = await attempt('cannot be loaded', () => withOwnPackage(() => import(pathToFileURL(file).href)));
  const { default: byDefault, module: named = byDefault } = z.looseObject({}).parse({ ...Object(exported) });
  // CommonJS has one export, which is the default.
  const value = typeof named === 'function' ? await attempt('its function failed', () => named()) : named;
  if (value === undefined) throw new Error('exports no module: neither by default nor by the name module');
  const modules: readonly unknown[] = Array.isArray(value) ? value : [value];
  return modules.map((module) => {
    if (!isModule(module)) throw new Error('exports something that is no module: it has no name');
    checkModule(module);
    return module;
  });
}

/** Whether it names a file rather than a package. */
function isFileName(name: string): boolean {
  return name.startsWith('.') || isAbsolute(name) || /\.[cm]?[jt]s$/.test(name);
}

/** The file that a package is entered by: the package is looked for from the configuration, then beside this program. */
async function packageEntry(name: string, folder: string): Promise<string> {
  for (const base of [pathToFileURL(join(folder, 'sallyport.yaml')), new URL(import.meta.url)]) {
    const entry = importEntry(name, base) ?? requireEntry(name, base);
    if (entry !== undefined) return entry;
  }
  throw new Error('is no package that is installed; the name of a file begins with ./ or ends with .js or .ts');
}

/** By the manifest's `exports`, as `import` would: `require.resolve` does not see what is there for `import` alone. */
function importEntry(name: string, base: URL): string | undefined {
  const [, subpath = ''] = /^(?:@[^/]+\/)?[^/]+(?:\/(.*))?$/.exec(name) ?? [];
  const manifest = orUndefined(() => findPackageJSON(name, base));
  if (manifest === undefined) return undefined;
  const { exports } = z
    .looseObject({})
    .catch({})
    .parse(orUndefined(() => JSON.parse(readFileSync(manifest, 'utf8'))));
  const entries =
    isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.')) ? exports : { '.': exports };
  const entry = chosen(Reflect.get(entries, subpath === '' ? '.' : `./${subpath}`));
  return entry === undefined ? undefined : resolve(dirname(manifest), entry);
}

/** The first of the conditions that hold here. */
function chosen(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isObject(target)) return undefined;
  const condition = Object.keys(target).find((key) => ['node', 'import', 'module-sync', 'default'].includes(key));
  return condition === undefined ? undefined : chosen(Reflect.get(target, condition));
}

function requireEntry(name: string, base: URL): string | undefined {
  return orUndefined(() => createRequire(base).resolve(name));
}

/** What is asked has no other way to say that there is nothing than to throw. */
function orUndefined<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** Whoever may write the file may run anything as the gateway. */
async function refuseUnsafe(file: string): Promise<void> {
  const facts = await stat(file).catch((error: unknown) => {
    throw new Error(`${whyNot(error)}: ${file}`, { cause: error });
  });
  if (!facts.isFile()) throw new Error(`is not a file: ${file}`);
  if (process.platform === 'win32') return;
  const folder = dirname(file);
  const around = (await stat(folder)).mode;
  // In a folder with the sticky bit nobody can put another file in the place of this one.
  if ((around & 0o1002) === 0o0002) throw new Error(`lies in a folder that anybody may write: run chmod o-w ${folder}`);
  if ((facts.mode & 0o022) === 0) return;
  const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
  throw new Error(`can be written by others (mode ${mode}): run chmod go-w ${file}`);
}

/** How long a module may take to load. */
const LOAD_TIMEOUT_MS = 10_000;

/** What it comes to. @throws Error with `what` in front of the reason. */
async function attempt(what: string, act: () => unknown): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  // This timer keeps the process alive on purpose: waiting for nothing it would end without a word.
  const timer = setTimeout(() => late.reject(new Error(`it took longer than ${LOAD_TIMEOUT_MS} ms`)), LOAD_TIMEOUT_MS);
  try {
    return await Promise.race([act(), late.promise]);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function isModule(value: unknown): value is Module {
  return isObject(value) && typeof Reflect.get(value, 'name') === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function oneLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
