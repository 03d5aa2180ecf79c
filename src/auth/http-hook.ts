/**
 * A hook of the operator's own as a way to prove who you are: every login is sent to it over HTTPS, and it answers with
 * a verdict. Whatever is not plainly an answer is a refusal.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { deadline } from '../lib/deadline.ts';
import { askHook } from '../lib/hook-request.ts';
import { HOOK_URL_RULE, isHookUrl } from '../lib/hook-url.ts';
import { readSecret } from '../lib/secret-file.ts';
import type { Credentials, Proof, Prover } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { accountKeys, entryKeys, totpKeys } from './entry-options.ts';
import { userName } from './users.ts';

const path = z.string().min(1).max(4_096);

/** Headers that make or frame the request, and so are not for secrets. */
const OWN_HEADERS = /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept)$/i;

/** A hook over HTTP. */
export const httpEntry = z.strictObject({
  type: z.literal('http'),
  ...entryKeys,
  ...totpKeys,
  ...accountKeys,
  /** Where logins are sent (POST). Passwords are in them: `http://` is for this machine only. */
  url: z.string().max(4_096).refine(isHookUrl, { error: HOOK_URL_RULE }),
  /** PEM file: the authorities that may have issued the hook's certificate; without it, the public ones. */
  caFile: path.optional(),
  /** File with a secret that tells the hook that it is this gateway which asks, mode 0600. */
  secretFile: path.optional(),
  /** The header that the secret is sent in; `Authorization` if the file holds `Bearer ...`. */
  secretHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'must be the name of a header' })
    .refine((name) => !OWN_HEADERS.test(name), { error: 'is a header with a meaning of its own' })
    .default('X-Sallyport-Secret'),
});

/** A hook, checked and with its defaults. */
export type HttpEntry = z.output<typeof httpEntry>;

/** What the hook is asked with. */
export interface HttpParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Proves users by asking the hook. It is asked once for every login; nothing that it says is kept. */
export function httpProver(
  options: Pick<HttpEntry, 'url' | 'caFile' | 'secretFile' | 'secretHeader' | 'timeoutMs'>,
  { clock, log }: HttpParts,
): Prover {
  return {
    name: 'http',
    async prove(credentials, signal) {
      if (credentials.password === undefined) return { verdict: 'declined' };
      if (credentials.password.reveal() === '') return { verdict: 'refused', reason: 'empty password' };
      using bounded = deadline(clock, options.timeoutMs, signal);
      try {
        const text = await post(options, questionOf(credentials), bounded.signal);
        return proofOf(answer.parse(JSON.parse(text)), credentials.user);
      } catch (error) {
        signal.throwIfAborted();
        log.error('http_hook.failed', { error: bounded.signal.aborted ? bounded.signal.reason : wordsOf(error) });
        return { verdict: 'refused', reason: 'the hook gave no answer' };
      }
    },
  };
}

/** What the hook may say, and nothing else. */
const answer = z.discriminatedUnion('verdict', [
  z.strictObject({
    verdict: z.literal('accepted'),
    user: userName.optional(),
    groups: z
      .array(z.string().regex(/^[^\p{Cc}]{1,256}$/u))
      .max(1_000)
      .optional(),
    home: z
      .string()
      .regex(/^\/[^\p{Cc}]{0,4095}$/u)
      .optional(),
  }),
  z.strictObject({ verdict: z.literal('refused') }),
  z.strictObject({ verdict: z.literal('declined') }),
]);

function proofOf(said: z.output<typeof answer>, asked: string): Proof {
  if (said.verdict === 'declined') return said;
  if (said.verdict === 'refused') return { verdict: 'refused', reason: 'the hook refused' };
  const user = said.user ?? asked;
  if (!userName.safeParse(user).success) return { verdict: 'refused', reason: 'not the name of an account' };
  return {
    verdict: 'accepted',
    identity: { user, groups: said.groups ?? [], ...(said.home !== undefined && { home: said.home }) },
  };
}

/** The login as the hook reads it, keys in snake_case as everywhere outside of the code. */
function questionOf({ user, password, address, host, tls }: Credentials): string {
  const shown = tls?.clientCertificate;
  return JSON.stringify({
    user,
    password: password?.reveal(),
    address,
    host: host ?? null,
    tls: tls && {
      version: tls.version,
      suite: tls.suite,
      server_name: tls.serverName ?? null,
      client_certificate: shown && {
        fingerprint: shown.fingerprint,
        public_key: shown.publicKeyFingerprint,
        common_name: shown.commonName ?? null,
        alternative_names: shown.alternativeNames,
        issuer: shown.issuer,
        serial_number: shown.serialNumber,
      },
    },
  });
}

/** Sends the question. @throws Error for everything but a 200 with a short body. */
async function post(
  { url, caFile, secretFile, secretHeader }: Parameters<typeof httpProver>[0],
  body: string,
  signal: AbortSignal,
): Promise<string> {
  const secret = secretFile === undefined ? undefined : await readSecret(secretFile);
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Accept: 'application/json',
    ...(secret !== undefined && { [secretHeader]: secret.reveal() }),
  };
  const { text } = await askHook({ url, ca, headers, signal, send: (request) => void request.end(body) });
  return text;
}

/** Words for the log. What could not be read may repeat the question, and the password with it. */
function wordsOf(error: unknown): unknown {
  if (error instanceof SyntaxError) return 'the hook did not answer in JSON';
  if (error instanceof z.ZodError) return 'the hook answered something else than a verdict';
  return error;
}
