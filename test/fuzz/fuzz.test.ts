/** The fuzzing itself: a failure's seed is printed and kept, and the next run begins with it. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const HELPER = fileURLToPath(new URL('./fuzz.ts', import.meta.url));

/** A file of tests that writes down every value it tries. */
function testFile(arbitrary: string, largest: number): string {
  return `
    import { appendFileSync } from 'node:fs';
    import fc from 'fast-check';
    import { fuzz } from './fuzz.ts';
    fuzz('numbers are small', () => fc.property(${arbitrary}, (number) => {
      appendFileSync(new URL('./tried', import.meta.url), number + '\\n');
      if (number > ${largest}) throw new Error('too large');
    }), { runs: 150 });`;
}

/** Runs the one file of tests in the folder. */
function run(folder: string): Promise<{ passed: boolean; output: string; tried: string[]; kept: unknown[] }> {
  writeFileSync(join(folder, 'tried'), '');
  const vitest = [join(MODULES, 'vitest', 'vitest.mjs'), 'run', '--root', folder];
  const env = { ...process.env, FUZZ_SECONDS: '0', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, vitest, { env, cwd: folder, timeout: 60_000 }, (error, stdout, stderr) => {
      const read = (name: string) => readFileSync(join(folder, name), 'utf8');
      const tried = read('tried').trimEnd().split('\n');
      resolve({ passed: error === null, output: stdout + stderr, tried, kept: JSON.parse(read('seeds.json')) });
    });
  });
}

test('the seed of a failure is printed and kept, and is what the next run begins with', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-seeds-'));
  try {
    symlinkSync(MODULES, join(folder, 'node_modules'));
    copyFileSync(HELPER, join(folder, 'fuzz.ts'));
    writeFileSync(join(folder, 'vitest.config.mjs'), "export default { cacheDir: './cache' };\n");
    writeFileSync(join(folder, 'seeds.json'), '[]\n');

    writeFileSync(join(folder, 'numbers.test.ts'), testFile('fc.nat()', 1_000));
    const first = await run(folder);
    const seed = Number(/fuzz: numbers are small: seed (\d+), 150 runs/.exec(first.output)?.[1]);
    expect(first.passed, first.output).toBe(false);
    expect(first.output).toContain('too large');
    expect(first.kept).toEqual([
      { name: 'numbers are small', seed, path: expect.stringMatching(/^\d+(:\d+)*$/), counterexample: '[1001]' },
    ]);

    const second = await run(folder);
    expect(second.passed).toBe(false);
    expect(second.output).toContain(`fuzz: numbers are small: kept seed ${seed}, path `);
    expect(second.output).not.toContain('150 runs');
    expect(second.tried[0]).toBe('1001');
    expect(second.kept).toEqual(first.kept);

    writeFileSync(join(folder, 'numbers.test.ts'), testFile('fc.nat()', 2 ** 31));
    const repaired = await run(folder);
    expect(repaired.passed, repaired.output).toBe(true);
    expect(repaired.tried[0]).toBe('1001');
    expect(repaired.tried.length).toBeGreaterThan(150);
    expect(repaired.kept).toEqual(first.kept);

    // The way to the value that failed leads nowhere now; the seed is used all the same.
    writeFileSync(join(folder, 'numbers.test.ts'), testFile('fc.constantFrom(1, 2)', 2));
    const changed = await run(folder);
    expect(changed.passed, changed.output).toBe(true);
    expect(changed.tried.length).toBe(300);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
