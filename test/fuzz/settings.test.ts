/** What operators write: YAML, options, accounts and password hashes. Whatever it is, it is understood or its place is named. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { isPasswordHash, verifyPassword } from '../../src/auth/password-hash.ts';
import { type UserOptionsInput, userOptions } from '../../src/auth/users.ts';
import { closest, formatKeyPath, fromSnakeCase, toSnakeCase } from '../../src/config/key-names.ts';
import { gatewayOptions } from '../../src/config/options.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { addUser, checkUsers, readUsersFile, removeUser, setPassword } from '../../src/config/users-file.ts';
import { keysAt, validate } from '../../src/config/validate.ts';
import { parseYaml } from '../../src/config/yaml-source.ts';
import { Secret } from '../../src/lib/secret.ts';
import { CHARSET_NAMES } from '../../src/spi/charset.ts';
import { PERMISSIONS, parsePermissions } from '../../src/spi/permissions.ts';
import { text } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';

const KEYS = [
  [],
  ['users', 0],
  ['users', 0, 'directories', 0],
  ['listen', 0],
  ['tls'],
  ['limits'],
  ['hosts', 0],
].flatMap((path) => keysAt(gatewayOptions, path));

/** Values with the keys of the configuration in all the wrong places. */
const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constantFrom('0640', 'elr', 'off')),
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof({ arbitrary: fc.constantFrom(...KEYS), weight: 9 }, { arbitrary: text, weight: 1 }),
      tie('anything'),
      {
        maxKeys: 5,
      },
    ),
  ),
}));

/** What YAML is made of, in any order. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(...KEYS),
      fc.constantFrom(
        ': ',
        ':',
        '- ',
        '\n',
        '\n  ',
        '{',
        '}',
        '[',
        ']',
        ', ',
        '#',
        '"',
        "'",
        '|',
        '>',
        '&a ',
        '*a',
        '? ',
      ),
      fc.constantFrom(
        '!!omap ',
        '!!set ',
        '!!binary ',
        '!x ',
        '%YAML 1.1\n',
        '---\n',
        '...\n',
        '<<',
        '\t',
        '\0',
        '\u2028',
        'ü',
      ),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));

/** Keys whose values have tags: the library knows some that stand for more than maps, lists and scalars. */
const tagged = fc
  .array(
    fc.tuple(
      fc.constantFrom(...KEYS),
      fc.constantFrom(
        '!!omap',
        '!!pairs',
        '!!set',
        '!!binary',
        '!!timestamp',
        '!!merge',
        '!!str',
        '!!float',
        '!x',
        '&a',
        '*a',
      ),
      fc.constantFrom('[a: 1]', '[a: 1, a: 2]', '{a: 1}', '{a}', '[a]', 'a', "'a'", '2026-01-01', ''),
    ),
    { maxLength: 3 },
  )
  .map((lines) => lines.map(([key, tag, value]) => `${key}: ${tag} ${value}\n`).join(''));

const yaml = fc.oneof(
  soup,
  tagged,
  text,
  anything.map((value) => stringify(value)),
  fc.tuple(anything, soup, fc.nat()).map(([value, pieces, place]) => {
    const whole = stringify(value);
    const at = place % (whole.length + 1);
    return whole.slice(0, at) + pieces + whole.slice(at);
  }),
);

fuzz('any text is a configuration, or has problems that stand in it', () =>
  fc.asyncProperty(yaml, async (written) => {
    const lines = written.split(/\r\n|\r|\n/).length;
    const source = parseYaml('gateway.yaml', written);
    const checked = source.sound ? validate(source, gatewayOptions) : { ok: true as const };
    const users = await checkUsers(
      { text: written, mode: 0o600 },
      { shownAs: 'users.yaml', baseDir: '/', homes: 'unchecked' },
    );
    const problems = [...source.problems, ...(checked.ok ? [] : checked.problems), ...(users.ok ? [] : users.problems)];
    expect(source.sound || source.problems.length > 0).toBe(true);
    expect(checked.ok || checked.problems.length > 0).toBe(true);
    expect(users.ok || users.problems.length > 0).toBe(true);
    for (const problem of problems) {
      expect(problem.line).toBeGreaterThanOrEqual(1);
      expect(problem.line).toBeLessThanOrEqual(lines + 1);
      expect(problem.column).toBeGreaterThanOrEqual(1);
      expect(problem.message).not.toBe('');
      expect(formatProblem(problem)).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);
    }
  }),
);

const phc = fc
  .record({
    salt: fc.uint8Array({ minLength: 8, maxLength: 64 }),
    tag: fc.uint8Array({ minLength: 16, maxLength: 64 }),
  })
  .map(({ salt, tag }) => `$argon2id$v=19$m=64,t=1,p=2$${unpadded(salt)}$${unpadded(tag)}`);

const letters = fc
  .uniqueArray(fc.constantFrom(...Object.keys(PERMISSIONS)), { maxLength: 10 })
  .map((all) => all.join(''));
const folder = fc
  .array(
    fc.stringMatching(/^[a-z .ü]{1,8}$/).filter((name) => name !== '.' && name !== '..'),
    { maxLength: 3 },
  )
  .map((names) => `/${names.join('/')}`);
const rule = fc.record(
  { path: folder, permissions: letters, recursive: fc.boolean() },
  { requiredKeys: ['path', 'permissions'] },
);
const requirement = fc.constantFrom('required', 'preferred', 'off');
const account: fc.Arbitrary<UserOptionsInput> = fc.record(
  {
    name: fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9._@-]{1,64}$/),
      fc.constantFrom('null', 'true', '1e3', '0x1F', '-', '@a'),
    ),
    passwordHash: phc,
    home: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    permissions: letters,
    directories: fc.uniqueArray(rule, { selector: ({ path }) => path, maxLength: 3 }),
    overwrite: fc.constantFrom('replace', 'keep'),
    onIncomplete: fc.constantFrom('keep', 'remove'),
    sessionReuse: requirement,
    closeNotify: requirement,
    uploadBytesMax: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    charset: fc.constantFrom(...CHARSET_NAMES),
    enabled: fc.boolean(),
  },
  { requiredKeys: ['name', 'passwordHash', 'home'] },
);
const accounts = fc.uniqueArray(account, { selector: ({ name }) => name, minLength: 1, maxLength: 4 });

fuzz('options that are right are right again, written as YAML too', () =>
  fc.property(
    accounts,
    fc.nat(65_535),
    fc.stringMatching(/^[ -~ü]{1,200}$/),
    fc.boolean(),
    (users, port, banner, flag) => {
      const input = {
        listen: [{ port }],
        tls: { certificate: 'a', key: 'b' },
        users,
        banner,
        modeZ: flag,
        limits: { badCommandsMax: (port % 1_000) + 1 },
      };
      const checked = gatewayOptions.parse(input);
      expect(gatewayOptions.parse(checked)).toEqual(checked);
      const source = parseYaml('gateway.yaml', stringify(inSnakeCase(checked)));
      expect(source.problems).toEqual([]);
      expect(validate(source, gatewayOptions)).toEqual({ ok: true, value: checked });
    },
  ),
);

const HAND_WRITTEN =
  "# All of them.\nusers:\n- name: hand # by hand\n  password_hash: 'HASH'\n  home: /srv/hand\n# The end.\n";

fuzz(
  'accounts that are added, changed and removed in a file are what is read from it',
  () =>
    fc.asyncProperty(accounts, phc, fc.boolean(), async (added, hash, byHand) => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-users-'));
      const path = join(folder, 'users.yaml');
      try {
        if (byHand) writeFileSync(path, HAND_WRITTEN.replace('HASH', hash));
        const written = added.filter(({ name }) => name !== 'hand');
        for (const user of written) expect(await addUser(path, user)).toBe(true);
        for (const user of written) expect(await addUser(path, user)).toBe(false);
        if (!existsSync(path)) return;
        const own = byHand ? [{ name: 'hand', passwordHash: hash, home: '/srv/hand' }] : [];
        const expected = [...own, ...written].map((user) => asRead(path, user));
        expect(await usersOf(path)).toEqual(expected);

        const [first] = expected;
        if (first === undefined) return;
        const other = hash.replace('t=1', 't=2');
        const before = readFileSync(path, 'utf8');
        expect(await setPassword(path, first.name, other)).toBe(true);
        expect(readFileSync(path, 'utf8')).toBe(before.replace(first.passwordHash ?? '', other));
        expect(await usersOf(path)).toEqual([{ ...first, passwordHash: other }, ...expected.slice(1)]);

        expect(await removeUser(path, first.name)).toBe(true);
        expect(await removeUser(path, first.name)).toBe(false);
        expect(await usersOf(path)).toEqual(expected.slice(1));
        if (byHand) expect(readFileSync(path, 'utf8')).toContain('# All of them.');
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  { runs: 20 },
);

fuzz('only a canonical hash with costs in bounds is a password hash, and then it can be asked', () => {
  const cost = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.nat());
  const base64 = fc.uint8Array({ maxLength: 70 }).map(unpadded);
  return fc.asyncProperty(cost, cost, cost, base64, base64, phc, fc.nat(), async (m, t, p, salt, tag, right, place) => {
    const made = `$argon2id$v=19$m=${m},t=${t},p=${p}$${salt}$${tag}`;
    const saltBytes = Buffer.from(salt, 'base64').length;
    const tagBytes = Buffer.from(tag, 'base64').length;
    const inBounds = m <= 1_048_576 && m >= 8 * p && t >= 1 && t <= 16 && p >= 1 && p <= 16;
    expect(isPasswordHash(made)).toBe(
      inBounds && saltBytes >= 8 && saltBytes <= 64 && tagBytes >= 16 && tagBytes <= 64,
    );
    expect(isPasswordHash(right)).toBe(true);
    expect(await verifyPassword(new Secret('a guess'), right)).toBe(false);
    // One character less or more is another hash, or none.
    const at = place % right.length;
    for (const wrong of [
      right.slice(0, at) + right.slice(at + 1),
      `${right} `,
      `${right}=`,
      `${right}\n`,
      ` ${right}`,
    ]) {
      if (isPasswordHash(wrong)) expect(wrong.length).toBe(right.length - 1);
    }
  });
});

fuzz('permission letters are known or refused, and mean the same in any order', () =>
  fc.property(fc.oneof(letters, text), (typed) => {
    const parsed = parsePermissions(typed);
    expect(parsed === undefined).toBe([...typed].some((letter) => !Object.hasOwn(PERMISSIONS, letter)));
    if (parsed === undefined) return;
    expect(parsePermissions([...parsed].reverse().join(''))).toEqual(parsed);
  }),
);

fuzz('a key has one name in the program, and what is meant by a misspelt one is a key', () =>
  fc.property(fc.oneof(text, fc.stringMatching(/^[a-z0-9_]{1,30}$/), fc.constantFrom(...KEYS)), (key) => {
    const name = fromSnakeCase(key);
    if (name !== undefined) {
      expect(name).toMatch(/^[a-z][A-Za-z0-9]*$/);
      expect(fromSnakeCase(toSnakeCase(name))).toBe(name);
      expect(formatKeyPath(['users', 2, name])).toBe(`users[2].${toSnakeCase(name)}`);
    }
    const meant = closest(key, KEYS);
    if (meant !== undefined) expect(KEYS).toContain(meant);
    if (KEYS.includes(key)) expect(meant).toBe(key);
  }),
);

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}

/** Names of keys as they stand in a file. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [toSnakeCase(key), inSnakeCase(inner)]));
}

async function usersOf(path: string): Promise<unknown> {
  const file = await readUsersFile(path, { homes: 'unchecked' });
  return file.ok ? file.users : file.problems;
}

function asRead(path: string, user: UserOptionsInput) {
  return { ...userOptions.parse(user), home: resolve(dirname(path), user.home) };
}
