/** Python's ftplib, driven by `ftplib_client.py`. */
import { join } from 'node:path';
import type { ClientMaker } from '../everyday.ts';
import type { AnyWay, Reachable } from '../ways.ts';
import type { Resumption } from './scripted.ts';
import { Script, scriptedClient } from './scripted.ts';

const SCRIPT = new Script('python3', ['-B', join(import.meta.dirname, 'ftplib_client.py')]);

/** A Python that logs in anew for each piece of work. `never` resumes is ftplib as it comes, `always` a subclass of six lines. */
export class Ftplib {
  readonly #place: { readonly gateway: Reachable; readonly way: AnyWay; readonly resumption: Resumption };

  constructor(gateway: Reachable, way: AnyWay, resumption: Resumption) {
    this.#place = { gateway, way, resumption };
  }

  /** Lets ftplib do one piece of work. @throws Error with the exception that ftplib raised. */
  do(work: string, ...args: readonly (string | number)[]): Promise<string> {
    return SCRIPT.do(this.#place, work, ...args);
  }
}

/** ftplib for everyday work. */
export function ftplibClient(resumption: Resumption): ClientMaker {
  return scriptedClient(SCRIPT, resumption);
}
