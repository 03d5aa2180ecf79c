/**
 * Lets modules that a configuration loads import this very gateway by its name, wherever they lie: `import { defineModule }
 * from 'sallyport'`. A second copy of the package beside them would have other classes of the same names, whose faults
 * this one would take for mistakes.
 */
import { registerHooks } from 'node:module';

/** Source and compiled program have the same layout. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

const ENTRANCES: Readonly<Record<string, string>> = {
  sallyport: new URL(`../index${EXTENSION}`, import.meta.url).href,
  'sallyport/testing': new URL(`../testing${EXTENSION}`, import.meta.url).href,
};

/** Runs a dynamic import in which the name of the package means this copy of it, whoever imports it. */
export async function withOwnPackage<T>(load: () => Promise<T>): Promise<T> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const url = Object.hasOwn(ENTRANCES, specifier) ? ENTRANCES[specifier] : undefined;
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
  try {
    return await load();
  } finally {
    hooks.deregister();
  }
}
