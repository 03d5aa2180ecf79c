/** `docs/receipts.md` is run: what it says of verifying without us must be true of real receipts, and of altered ones. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { formatVkey, parseVkey } from '../../src/audit/notes/signed-note.ts';
import { needs, type Ran, run } from '../fixtures/client-programs.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { alteredReceipts, makeReceipt, ORIGIN, publishedRecord } from '../fixtures/receipt.ts';

const page = readFileSync(new URL('../../docs/receipts.md', import.meta.url), 'utf8');

/** The blocks of code in one language. */
function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) => code);
}

const [, verifier = ''] = blocks('python');
const [command = ''] = blocks('sh');
const test = needs('python3', 'openssl', 'sh');

/** Does what the page says, in a folder of its own. */
async function follow(parts: {
  content: Buffer | string;
  text: string;
  vkey: string;
}): Promise<Ran & { folder: string }> {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'verify.py'), verifier);
  writeFileSync(join(folder, 'gateway.vkey'), `${parts.vkey}\n`);
  writeFileSync(join(folder, 'invoice.edi'), parts.content);
  writeFileSync(join(folder, 'invoice.edi.receipt'), parts.text);
  return { ...(await run('sh', ['-c', command], { cwd: folder, timeoutMs: 60_000 })), folder };
}

const CONTENT = Buffer.from('what was sent\n');

describe('docs/receipts.md', () => {
  test('has the verifier in 40 lines, of the standard library alone', () => {
    expect(verifier.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    const imports = verifier.split('\n').filter((line) => /\bimport\b/.test(line));
    expect(imports).toEqual(['import base64, hashlib, json, re, sys']);
  });

  test('refuses every receipt that was altered', { timeout: 120_000 }, async () => {
    const { text, vkey } = await makeReceipt(await temporaryFolder());
    for (const [what, altered] of alteredReceipts(text)) {
      const { code, stdout } = await follow({ content: CONTENT, text: altered, vkey });
      expect(code, what).not.toBe(0);
      expect(stdout, what).not.toContain('Signature Verified Successfully');
    }
  });

  test('refuses another file, another event, and keys of others', { timeout: 120_000 }, async () => {
    const folder = await temporaryFolder();
    const { text, vkey } = await makeReceipt(folder);
    const accepted = { ...publishedRecord(CONTENT), event: 'upload.accepted' } as const;
    const other = await makeReceipt(await temporaryFolder(), { record: accepted });
    const { type, key } = parseVkey(other.vkey);
    for (const wrong of [
      { content: 'what was sen7\n', text, vkey },
      { content: '', text, vkey },
      { content: CONTENT, text: other.text, vkey: other.vkey },
      { content: CONTENT, text, vkey: other.vkey },
      { content: CONTENT, text, vkey: formatVkey('other.example', type, key) },
      { content: CONTENT, text, vkey: vkey.replace(ORIGIN, 'other.example') },
      { content: CONTENT, text, vkey: vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+') },
      { content: CONTENT, text, vkey: '' },
    ]) {
      expect((await follow(wrong)).code).not.toBe(0);
    }
  });

  test('needs openssl: the signature is what it alone looks at', async () => {
    const { text, vkey, folder } = await makeReceipt(await temporaryFolder());
    rmSync(join(folder, 'log.key'));
    // The same name and records, signed by another key under the id of the first one.
    const forged = await makeReceipt(folder, { size: 12 });
    const id = (one: string) => Buffer.from(/\+([0-9a-f]{8})\+/.exec(one)?.[1] ?? '', 'hex');
    const signature = /— \S+ (\S+)\n$/.exec(forged.text)?.[1] ?? '';
    const claimed = Buffer.concat([id(vkey), Buffer.from(signature, 'base64').subarray(4)]).toString('base64');
    const { code, stdout } = await follow({ content: CONTENT, text: forged.text.replace(signature, claimed), vkey });
    expect(stdout).toContain('In the log, if openssl agrees');
    expect(code).not.toBe(0);
    expect((await follow({ content: CONTENT, text, vkey })).code).toBe(0);
  });

  test('verifies receipts from every place in logs of many sizes', { timeout: 120_000 }, async () => {
    for (const [size, index] of [
      ...[
        [1, 0],
        [2, 0],
        [2, 1],
        [3, 2],
        [5, 4],
        [7, 3],
      ],
      ...[
        [8, 7],
        [11, 6],
      ],
    ] as const) {
      const { text, vkey } = await makeReceipt(await temporaryFolder(), { size, index });
      const { code, stdout, stderr } = await follow({ content: CONTENT, text, vkey });
      expect([code, stderr], `${index} of ${size}`).toEqual([0, '']);
      expect(stdout).toContain('"account":"acme"');
      expect(stdout).toContain('Signature Verified Successfully');
    }
  });
});
