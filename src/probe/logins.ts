/**
 * Logins for those checks that need one. Some servers take seconds to check a password, and all may count logins: so one
 * is handed on from check to check for as long as nothing is left over in it.
 */
import type { Secret } from '../lib/secret.ts';
import { type ProbeBounds, ProbeClient } from './probe-client.ts';
import type { ProbeTarget } from './target.ts';

/** An account of the server. */
export interface ProbeCredentials {
  readonly user: string;
  readonly password: Secret;
}

/** How to log in. */
export interface LoginWay {
  readonly credentials: ProbeCredentials;
  /** The directory for listings and uploads; undefined for that of the login. */
  readonly directory: string | undefined;
  /** Whether the certificate has to be a trusted one before the password is sent. */
  readonly verified: boolean;
}

/** The server does not take the account. */
export class LoginRefused extends Error {
  override readonly name = 'LoginRefused';
}

/** Logins that are open and not in use. */
export class Logins implements Disposable {
  readonly #target: ProbeTarget;
  readonly #way: LoginWay;
  /** `pristine` as long as neither PBSZ nor PROT has been sent. */
  readonly #idle: { readonly client: ProbeClient; readonly state: LoginState }[] = [];

  constructor(target: ProbeTarget, way: LoginWay) {
    this.#target = target;
    this.#way = way;
  }

  /**
   * Uses a login on which nothing has been said about data connections yet, or one with protected data.
   *
   * @throws LoginRefused; an OpenSSL error, such as that the certificate is not trusted; whatever `use` throws.
   */
  async use<T>(state: LoginState, bounds: ProbeBounds, use: (client: ProbeClient) => Promise<T>): Promise<T> {
    const client = this.#takeIdle(state, bounds) ?? (await logIn(this.#target, this.#way, bounds));
    try {
      if (state === 'protected') await protect(client);
      const result = await use(client);
      if (client.reusable) {
        this.#idle.push({ client, state: client.protectionSaid ? 'protected' : 'pristine' });
      } else {
        client[Symbol.dispose]();
      }
      return result;
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#idle.splice(0)) client[Symbol.dispose]();
  }

  /** Where both will do, a pristine one is kept for those that need it. */
  #takeIdle(state: LoginState, bounds: ProbeBounds): ProbeClient | undefined {
    const exact = this.#idle.findIndex((idle) => idle.state === state && idle.client.reusable);
    const index = exact >= 0 || state === 'pristine' ? exact : this.#idle.findIndex(({ client }) => client.reusable);
    const [taken] = index < 0 ? [] : this.#idle.splice(index, 1);
    taken?.client.rebind(bounds);
    return taken?.client;
  }
}

/** What has been said about data connections on a login. */
export type LoginState = 'pristine' | 'protected';

/** Logs in. The password goes out under TLS 1.2 or newer, verified unless that was waived, or not at all. */
async function logIn(target: ProbeTarget, way: LoginWay, bounds: ProbeBounds): Promise<ProbeClient> {
  const { credentials, directory, verified } = way;
  const client = await ProbeClient.secured(target, bounds, { minVersion: 'TLSv1.2', rejectUnauthorized: verified });
  try {
    let reply = await client.send(`USER ${credentials.user}`);
    if (reply.code === 331) reply = await client.send(`PASS ${credentials.password.reveal()}`);
    if (reply.code !== 230 && reply.code !== 232) throw new LoginRefused(`the login is refused: ${reply.text}`);
    if (directory !== undefined) {
      const entered = await client.send(`CWD ${directory}`);
      if (entered.code !== 250) throw new LoginRefused(`the directory cannot be entered: ${entered.text}`);
    }
    return client;
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

async function protect(client: ProbeClient): Promise<void> {
  await client.send('PBSZ 0');
  const reply = await client.send('PROT P');
  if (reply.code !== 200) throw new Error(`PROT P is refused: ${reply.text}`);
}
