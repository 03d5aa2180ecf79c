/** SITE RECEIPT: where the receipt comes from is not its business. */
import { describe, expect, test } from 'vitest';
import { UTF_8 } from '../../src/spi/charset.ts';
import { Fault } from '../../src/spi/fault.ts';
import { type Scene, say } from '../fakes/say.ts';

const RECEIPT = '{"path":"/in/été"}\n\nc2sp.org/tlog-proof@v1\nindex 0\n\nlog\n1\nAAAA\n\n— log AAAA\n';

/** A gateway that has this receipt, and no permission for anything. */
function having(receipt: string | undefined, account: Scene['account'] = {}): Scene & { readonly asked: string[] } {
  const asked: string[] = [];
  const receiptOf = async (path: string) => {
    asked.push(path);
    return receipt;
  };
  return { asked, account: { permissions: new Set(), ...account }, context: { receiptOf } };
}

describe('SITE RECEIPT', () => {
  test.each(['SITE RECEIPT', 'SITE RECEIPT '])('%j names nothing', async (line) => {
    expect((await say(line, having(RECEIPT))).code).toBe(501);
  });

  test('answers 550 where there is none', async () => {
    const answer = await say('SITE RECEIPT a', having(undefined));
    expect(answer.text).toBe('550 You have no receipt of that name.');
    expect(answer.notes).toEqual({ path: '/a' });
  });

  test('answers 450 while there is none yet', async () => {
    const receiptOf = async () => {
      throw new Fault('FileBusy', { text: 'The file is being checked; ask again.' });
    };
    const answer = await say('SITE RECEIPT a', { context: { receiptOf } });
    expect(answer.text).toBe('450 The file is being checked; ask again.');
  });

  test.each([
    ['a line that is too long for clients', `${'x'.repeat(8_001)}\n`, {}],
    [
      'a charset that cannot write it',
      RECEIPT,
      { charset: { ...UTF_8, name: 'iso-8859-1', encode: (text: string) => Buffer.from(text, 'latin1') } },
    ],
  ])('answers 504 for %s', async (_, receipt, account) => {
    const answer = await say('SITE RECEIPT a', having(receipt, account));
    expect(answer.code).toBe(504);
    expect(answer.text).toContain('/.receipts');
  });

  test('gives it so that taking one space from each line gives it back', async () => {
    const scene = having(RECEIPT, {});
    const answer = await say('SITE RECEIPT in/my file', scene);
    expect(scene.asked).toEqual(['/in/my file']);
    const [first, ...lines] = answer.text.split('\r\n');
    expect([first, lines.pop()]).toEqual(['211-Receipt:', '211 End']);
    for (const line of lines) expect(line).toMatch(/^ /);
    expect(lines.map((line) => `${line.slice(1)}\n`).join('')).toBe(RECEIPT);
  });

  test('takes the longest line that clients take', async () => {
    expect((await say('SITE RECEIPT a', having(`${'x'.repeat(8_000)}\n`))).code).toBe(211);
  });

  test('stands in the help', async () => {
    expect((await say('SITE HELP')).text).toContain(' RECEIPT path');
  });
});
