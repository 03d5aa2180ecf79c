/** Evaluates configurations as the command does: written to a file, loaded, looked at. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { type Facts, gatherFacts } from '../../src/compliance/facts.ts';
import { FRAMEWORKS } from '../../src/compliance/frameworks.ts';
import { complianceReport, type Report, type Verdict } from '../../src/compliance/report.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/spi/log.ts';
import { testCertificates } from '../fixtures/certificates.ts';

/** A configuration, and what is to lie beside it. */
export interface Case {
  /** Keys as YAML has them, besides those that every configuration needs. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The keys of `tls` besides the certificate. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** What to put into the folder before it is loaded; what it returns is added to `tls`. */
  readonly prepare?: (folder: string) => Promise<Readonly<Record<string, unknown>>>;
  /** What this machine lacks. */
  readonly facts?: Partial<Facts>;
}

/** What came of it. */
export interface Evaluated {
  readonly report: Report;
  readonly facts: Facts;
  readonly warnings: readonly string[];
  /** Of an item; undefined when the report does not have it. */
  verdictOf(id: string): Verdict | undefined;
}

/** Loads and evaluates. @throws Error with every mistake of a configuration that is refused. */
export async function evaluated({ config = {}, tls = {}, prepare, facts: more = {} }: Case): Promise<Evaluated> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-compliance-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'home'));
  const { files } = await testCertificates();
  const prepared = prepare === undefined ? {} : await prepare(folder);
  const written = {
    listen: [{ port: 2121 }],
    tls: { certificate_file: files.cert, key_file: files.key, ...tls, ...prepared },
    ...config,
  };
  const path = join(folder, 'sallyport.yaml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(written), { mode: 0o600 });
  const loaded = await loadConfig(path);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  const { options, accounts } = loaded;
  const { audit, stateDirectory = '' } = options;
  const auditDirectory = audit.requirement === 'off' ? undefined : join(stateDirectory, 'audit');
  const facts = { ...(await gatherFacts({ options, accounts, auditDirectory, nowMs: Date.now() })), ...more };
  const configuration = {
    ...{ file: path, digest: '0'.repeat(64) },
    files: loaded.files.map((file) => ({ file, sha256: '1'.repeat(64) })),
    running: { gateway: 'none', loaded: 'not_found', loadedAt: null, digest: null },
  } as const;
  const report = complianceReport({ facts, frameworks: FRAMEWORKS, version: '0.0.0', configuration });
  const verdicts = new Map<string, Verdict>(
    report.frameworks.flatMap(({ items, undecided }) => [
      ...items.map(({ id, verdict }): [string, Verdict] => [id, verdict]),
      ...undecided.map(({ id }): [string, Verdict] => [id, 'not_decided']),
    ]),
  );
  return {
    report,
    facts,
    warnings: loaded.warnings.map(({ message }) => message),
    verdictOf: (id) => verdicts.get(id),
  };
}

/** Writes an audit log of some records where a configuration in the folder has it. */
export async function writeLog(folder: string): Promise<string> {
  const directory = join(folder, 'state', 'audit');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const origin = 'test.example/log';
  const log = await openAuditLog({
    ...{ directory, origin, signer: readOrMakeLogKey(join(folder, 'state', 'audit.key'), origin) },
    ...{ clock: systemClock, log: silentLog, checkpointMs: 10 },
  });
  for (let index = 0; index < 3; index++) {
    await log.append({
      event: 'login.succeeded',
      result: 'success',
      who: { account: 'acme' },
      origin: {},
      object: { index },
    });
  }
  await log.close();
  return directory;
}

/** Alters the first record of such a log. */
export async function alterLog(directory: string): Promise<void> {
  const journal = join(directory, 'journal');
  const bytes = readFileSync(journal);
  const at = bytes.indexOf('"acme"');
  if (at < 0) throw new Error('the journal has no such record');
  bytes.write('"acne"', at);
  await writeFile(journal, bytes);
}

/** Writes an inventory of TLS in which accounts were last seen so many days ago. */
export async function writeInventory(
  folder: string,
  seen: Readonly<Record<string, number>>,
  { sinceDays = 200 } = {},
): Promise<void> {
  const ago = (days: number) => Date.now() - days * 86_400_000;
  const accounts = Object.entries(seen).map(([name, days]) => ({
    ...{ name, dropped: 0, behaviours: [] },
    networks: [{ network: '192.0.2.0/24', count: 1, firstMs: ago(days), lastMs: ago(days) }],
  }));
  const record = {
    ...{ format: 'sallyport-tls-inventory', version: 1, sinceMs: ago(sinceDays), savedMs: ago(0), strangers: [] },
    ...{ dropped: { accounts: 0, strangers: 0 }, accounts },
  };
  await writeFile(join(folder, 'inventory.json'), JSON.stringify(record));
}
