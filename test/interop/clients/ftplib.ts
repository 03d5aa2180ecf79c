/** Python's ftplib, driven by `ftplib_client.py`. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunningProgram } from '../../fixtures/client-programs.ts';
import { start } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';

/** Whether data connections resume the TLS session: `never` is ftplib as it comes, `always` a subclass of six lines. */
export type Resumption = 'never' | 'always';

/** A Python that logs in anew for each piece of work. */
export class Ftplib {
  readonly #gateway: Reachable;
  readonly #way: Way;
  readonly #resumption: Resumption;
  #python: RunningProgram | undefined;

  constructor(gateway: Reachable, way: Way, resumption: Resumption) {
    this.#gateway = gateway;
    this.#way = way;
    this.#resumption = resumption;
  }

  /** Lets ftplib do one piece of work. @throws Error with the exception that ftplib raised. */
  async do(work: string, ...args: readonly (string | number)[]): Promise<string> {
    this.#python ??= start('python3', [join(import.meta.dirname, 'ftplib_client.py')], { timeoutMs: 60_000 });
    const { write, output } = this.#python;
    const already = output.stdout.length;
    const { host, port, user, password, certificates } = this.#gateway;
    const order = {
      ...{ host, port, user, password, ca: certificates.files.caCert },
      ...{ version: this.#way.version, passive: this.#way.mode === 'passive', resumes: this.#resumption === 'always' },
      ...{ work, arguments: args },
    };
    write(`${JSON.stringify(order)}\n`);
    const answer = () => output.stderr || output.stdout.slice(already);
    await expect.poll(answer, { timeout: 15_000, interval: 5 }).toMatch(/\n$/);
    if (output.stderr !== '') throw new Error(`python3 failed: ${output.stderr}`);
    const { error, value } = JSON.parse(answer());
    if (error !== undefined) throw new Error(error);
    return String(value);
  }
}

/** ftplib for everyday work. */
export function ftplibClient(resumption: Resumption): (gateway: Reachable, way: Way) => PartnerClient {
  return (gateway, way) => {
    const ftplib = new Ftplib(gateway, way, resumption);
    return {
      upload: (local, remote) => ftplib.do('upload', local, remote),
      download: (remote, local) => ftplib.do('download', remote, local),
      resumeUpload: (local, remote) => ftplib.do('resumeUpload', local, remote),
      resumeDownload: (remote, local) => ftplib.do('resumeDownload', remote, local),
      list: (directory) => ftplib.do('list', directory),
      rename: (from, to) => ftplib.do('rename', from, to),
      remove: (path) => ftplib.do('remove', path),
      makeDirectory: (path) => ftplib.do('makeDirectory', path),
      uploadText: (local, remote) => ftplib.do('uploadText', local, remote),
      downloadText: (remote, local) => ftplib.do('downloadText', remote, local),
    };
  };
}
