/**
 * Clients that are libraries of a language, driven by a script of that language: one order in JSON a line, one answer in
 * JSON a line. Every order logs in anew, so that the script has no state and serves all tests of a file.
 */
import { LastingProgram } from '../../fixtures/lasting-program.ts';
import type { PartnerClient } from '../everyday.ts';
import type { AnyWay, Reachable, Way } from '../ways.ts';

/** Whether data connections resume the TLS session: `never` and `always` say what the script does about it. */
export type Resumption = 'never' | 'always';

/** The script, one process for each TLS version and one for none: some libraries take that from the environment only. */
export class Script {
  readonly #programs: Readonly<Record<AnyWay['version'], LastingProgram>>;

  /** To be made while a test file is loaded. */
  constructor(
    program: string,
    args: readonly string[],
    env: (version: AnyWay['version']) => Readonly<Record<string, string>> = () => ({}),
  ) {
    const make = (version: AnyWay['version']) => new LastingProgram(program, args, env(version));
    this.#programs = { '1.2': make('1.2'), '1.3': make('1.3'), none: make('none') };
  }

  /** Lets the library do one piece of work. @throws Error with the words of the library. */
  async do(
    { gateway, way, resumption }: { gateway: Reachable; way: AnyWay; resumption: Resumption },
    work: string,
    ...args: readonly (string | number)[]
  ): Promise<string> {
    const { host, port, user, password, certificates } = gateway;
    const order = {
      ...{ host, port: `${port}`, user, password, ca: certificates.files.caCert },
      ...{ version: way.version, mode: way.mode, resumption, work, arguments: args.map(String) },
    };
    const answer = await this.#programs[way.version].ask(JSON.stringify(order));
    const { error, value } = JSON.parse(answer);
    if (error !== undefined) throw new Error(error);
    return String(value ?? '');
  }
}

/** A script for everyday work. */
export function scriptedClient(script: Script, resumption: Resumption) {
  return (gateway: Reachable, way: Way): PartnerClient => {
    const work = (name: string, ...args: readonly (string | number)[]) =>
      script.do({ gateway, way, resumption }, name, ...args);
    return {
      upload: (local, remote) => work('upload', local, remote),
      download: (remote, local) => work('download', remote, local),
      resumeUpload: (local, remote) => work('resumeUpload', local, remote),
      resumeDownload: (remote, local) => work('resumeDownload', remote, local),
      list: (directory) => work('list', directory),
      rename: (from, to) => work('rename', from, to),
      remove: (path) => work('remove', path),
      makeDirectory: (path) => work('makeDirectory', path),
      uploadText: (local, remote) => work('uploadText', local, remote),
      downloadText: (remote, local) => work('downloadText', remote, local),
      roundTrips: (local, folder, times) => work('roundTrips', local, folder, times),
    };
  };
}
