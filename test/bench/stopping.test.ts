/** A benchmark that is asked to end leaves nothing behind: no server, no load, no folder. */
import { existsSync, readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { treeOf } from '../../bench/process-tree.ts';
import { start } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { BENCH, benchTest } from './bench-programs.ts';

benchTest()(
  'SIGTERM stops the servers, removes the folder and writes no page',
  async () => {
    const folder = await lastingFolder();
    await chmod(folder, 0o755);
    const page = join(folder, 'page.md');
    const words = ['--quick', '--measures=retr-1', '--contestants=Sallyport', '--repetitions=100000'];
    const args = [join(BENCH, 'peers-bench.ts'), ...words, `--folder=${folder}`, `--out=${page}`];
    const bench = start(process.execPath, args, { timeoutMs: 60_000 });
    await vi.waitFor(() => expect(bench.output.stderr).toContain('  Sallyport: '), { timeout: 50_000, interval: 20 });
    const below = treeOf(bench.pid).filter((pid) => pid !== bench.pid);
    expect(below.length).toBeGreaterThan(0);
    process.kill(bench.pid, 'SIGTERM');
    const { code, stderr } = await bench.ended;
    expect(code, stderr).toBe(143);
    expect(stderr).toContain('stopped by SIGTERM; nothing was written');
    expect(readdirSync(folder)).toEqual([]);
    expect(below.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  },
  70_000,
);
