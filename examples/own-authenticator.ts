/**
 * An authenticator of one's own: partners log in with a random token, of which `tokens.json` has only the SHA-256:
 * `{ "acme": "9f86d0..." }`. That is enough for 256 random bits; passwords that people choose need the slow hash of
 * `hashPassword` and `verifyPassword`.
 *
 * Run: `npx sallyport cert dev` once, then `node own-authenticator.ts`. Each partner has its folder in ./files.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Authenticator, createGateway, createLocalStorage, parsePermissions } from 'sallyport';

const digests = new Map<string, string>(Object.entries(JSON.parse(await readFile('tokens.json', 'utf8'))));
const storage = createLocalStorage();
const permissions = parsePermissions('elrw') ?? new Set();

const tokens: Authenticator = {
  name: 'tokens',
  async authenticate({ user, password }) {
    if (password === undefined) return { verdict: 'declined' };
    const digest = digests.get(user);
    // Compared also for a name that is not known, so that both take the same time.
    const wanted = Buffer.from(digest ?? '0'.repeat(64), 'hex');
    const isRight = timingSafeEqual(createHash('sha256').update(password.reveal()).digest(), wanted);
    if (digest === undefined) return { verdict: 'declined' };
    if (!isRight) return { verdict: 'refused', reason: 'wrong token' };
    const root = resolve('files', user);
    await mkdir(root, { recursive: true });
    const files = storage.filesFor({ root, owner: user });
    const account = {
      name: user,
      files,
      permissions,
      directories: [],
      existing: 'keep',
      onIncomplete: 'keep',
    } as const;
    return { verdict: 'accepted', account };
  },
};

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
  },
  { authenticators: [tokens] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
