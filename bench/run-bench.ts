/** A whole run: the ground laid out, the measures taken, the page written, everything removed. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildLoad } from './load.ts';
import { machineFacts } from './machine.ts';
import { type Goal, pageOf, type Reference } from './report.ts';
import { type Heat, runMeasures } from './run-measures.ts';
import type { Scale } from './scale.ts';
import { readWords } from './words.ts';

/** What is measured, and what the page says of it. */
export interface Bench {
  readonly title: string;
  readonly text: readonly string[];
  /** The name of the page in this folder. */
  readonly page: string;
  readonly reference: Reference;
  readonly goals: readonly Goal[];
  heats(scale: Scale): readonly Heat[];
}

/** Runs it as the words ask. @throws Error when there is no compiler for the load generator, or nothing to measure. */
export async function runBench({ title, text, page, reference, goals, heats }: Bench, args: readonly string[]) {
  const words = readWords(args, page);
  const chosen = heats(words.scale)
    .filter(({ measure }) => words.measures?.some((name) => measure.name.startsWith(name)) ?? true)
    .map(({ measure, contestants }) => ({
      measure,
      contestants: contestants.filter(({ name }) => words.contestants?.includes(name) ?? true),
    }));
  if (!chosen.some(({ contestants }) => contestants.length > 0))
    throw new Error('no measure of that name, or no contestant');
  const folder = await mkdtemp(join(words.folder, 'sallyport-bench-'));
  try {
    // Servers that change their user have to come through here.
    await chmod(folder, 0o755);
    const load = buildLoad(folder);
    const tell = (line: string) => void process.stderr.write(`${line}\n`);
    const date = new Date().toISOString().slice(0, 10);
    const machine = machineFacts(folder);
    const { warmups, secondsMax } = words.scale;
    const ground = { folder, ...makeCertificate(folder), load, warmups, secondsMax, tell };
    const outcomes = await runMeasures(chosen, ground);
    await mkdir(dirname(words.out), { recursive: true });
    await writeFile(words.out, pageOf({ title, text, date, machine, reference, outcomes, goals }));
    tell(`Written: ${words.out}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** RSA with 2,048 bits, which every server takes. */
function makeCertificate(folder: string) {
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...names, ...files], {
    stdio: 'ignore',
  });
  return { certFile, keyFile };
}
