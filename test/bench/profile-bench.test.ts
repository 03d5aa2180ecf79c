/** `npm run bench:profile`, run as tiny as it goes, and how profiles are read. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Frame, selfTimes } from '../../bench/profile/cpu-profile.ts';
import { groupOf } from '../../bench/profile/groups.ts';
import { run } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { BENCH, benchTest } from './bench-programs.ts';

test('time counts for the function that ran itself, and within the spans alone', () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 4, columnNumber: 0 });
  const text = JSON.stringify({
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2] },
      { id: 2, callFrame: frame('read', 'node:fs'), children: [3] },
      { id: 3, callFrame: frame('readBuffers', '') },
    ],
    startTime: 1_000,
    endTime: 1_600,
    // At 1,100, 1,200, 1,300, 1,400 and 1,600.
    samples: [2, 3, 3, 2, 3],
    timeDeltas: [100, 100, 100, 100, 200],
  });
  const times = selfTimes(text, [{ from: 1_150, to: 1_450 }]);
  expect(times.map(({ frame: { name, callerUrl }, micros }) => [name, callerUrl, micros])).toEqual([
    ['readBuffers', 'node:fs', 200],
    ['read', '', 200],
  ]);
});

test.each([
  [{ name: '(garbage collector)' }, 'garbage collection'],
  [{ name: 'writeBuffers', callerUrl: 'node:internal/fs/promises' }, 'native: file system'],
  [{ name: 'writev', callerUrl: 'node:internal/stream_base_commons' }, 'native: TLS and sockets'],
  [{ name: 'update', url: 'node:internal/crypto/hash' }, 'native: hashes and other cryptography'],
  [{ name: 'read', url: 'node:internal/streams/readable' }, 'Node: internal/streams/readable'],
  [{ name: 'see', url: 'file:///house/src/transfer/meter.ts' }, 'Sallyport: src/transfer'],
  [{ name: 'parse', url: 'file:///house/node_modules/@scope/zod/v4/core.js' }, 'package: @scope/zod'],
  [{ name: 'min', callerUrl: 'file:///house/src/lib/a.ts' }, 'native: called by Sallyport and packages'],
])('the group of %j', (known: Partial<Frame>, group) => {
  expect(groupOf({ name: '', url: '', line: 1, callerUrl: '', ...known }, 'file:///house/')).toBe(group);
});

benchTest()(
  'a profile of one measure: groups, functions and threads with their time',
  async () => {
    const [folder, kept] = [await lastingFolder(), await lastingFolder()];
    const args = [join(BENCH, 'profile-bench.ts'), '--quick', 'stor-1', `--folder=${folder}`, `--out=${kept}`];
    const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 120_000 });
    expect(code, stderr).toBe(0);
    expect(readdirSync(kept).filter((name) => name.endsWith('.cpuprofile'))).toHaveLength(1);
    expect(stdout).toContain('# STOR of 1 MiB, 1 at a time');
    for (const heading of ['group', 'function']) {
      const share = new RegExp(
        `^\\| ${heading} \\| ms \\| share \\|\\n\\|[-|]+\\n\\| .+ \\| [0-9]+ \\| [0-9.]+ % \\|$`,
        'm',
      );
      expect(stdout).toMatch(share);
    }
    expect(stdout).toMatch(/^\| thread \| CPU s \|$/m);
  },
  130_000,
);
