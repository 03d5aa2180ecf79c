/** Accounts whose clients do not know UTF-8: what they send, what they are shown, and what they cannot name. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listedName } from '../../src/protocol/listing.ts';
import { charsetNamed } from '../../src/server/legacy-charset.ts';
import { CHARSET_NAMES } from '../../src/spi/charset.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestUser } from '../fixtures/gateway.ts';

describe('a charset', () => {
  test.each([
    ['cp1252', [0x81], 'a byte without a meaning'],
    ['iso-8859-1', [0x85], 'a control of the C1 set'],
    ['shift_jis', [0x93], 'half a character'],
    ['shift_jis', [0xee, 0xf9], 'a second spelling of a character'],
    ['gbk', [0x80, 0xff], 'bytes without a meaning'],
    ['euc-jp', [0xa4], 'half a character'],
    ['utf-8', [0xe9], 'Latin-1'],
  ] as const)('%s refuses %j: %s', (name, bytes, _why) => {
    expect(charsetNamed(name).decode(Buffer.from(bytes))).toBe(undefined);
  });

  test.each([
    ['cp1252', 'Grüße €', [0x47, 0x72, 0xfc, 0xdf, 0x65, 0x20, 0x80]],
    ['cp437', 'é', [0x82]],
    ['koi8-r', 'Я', [0xf1]],
    ['shift_jis', '日本', [0x93, 0xfa, 0x96, 0x7b]],
    ['gb18030', '中', [0xd6, 0xd0]],
    ['big5', '中', [0xa4, 0xa4]],
  ] as const)('%s writes %s as everybody does', (name, text, bytes) => {
    expect(charsetNamed(name).encode(text)).toEqual(Buffer.from(bytes));
    expect(charsetNamed(name).decode(Buffer.from(bytes))).toBe(text);
  });

  test.each(['cp1252', 'shift_jis'] as const)('%s shows what it does not have as ?', (name) => {
    expect(charsetNamed(name).encode('aกb').toString('latin1')).toBe('a?b');
  });

  test.each(CHARSET_NAMES)('%s has ASCII, and what it decodes comes back as it was', (name) => {
    const charset = charsetNamed(name);
    const ascii = Buffer.from(Array.from({ length: 95 }, (_, index) => index + 32));
    expect(charset.decode(ascii)).toBe(ascii.toString());
    expect(charset.encode('226 a/b "c".\r\n').toString('latin1')).toBe('226 a/b "c".\r\n');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (array) => {
        const bytes = Buffer.from(array);
        const text = charset.decode(bytes);
        if (text !== undefined) expect(charset.encode(text).equals(bytes)).toBe(true);
      }),
    );
  });

  test.each([
    ['shift_jis', 'a\u00a5b\u203e', 'a?b?'],
    ['euc-jp', 'a\u00a5b\u203e', 'a?b?'],
    ['cp1252', 'a\ufffdb', 'a?b'],
    ['gb18030', 'a\ue5e5b', 'a?b'],
  ] as const)('%s shows %j, which it would write as another name or none, as %s', (name, text, shown) => {
    expect(charsetNamed(name).encode(text).toString('latin1')).toBe(shown);
  });

  test.each(CHARSET_NAMES)('every character that %s shows without a ? can be asked for as it stands', (name) => {
    const charset = charsetNamed(name);
    const characters = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => character !== '?' && listedName(character) === character && /\P{Cs}/u.test(character),
    );
    const shown = charset.encode(characters.join('\n')).toString('latin1').split('\n');
    const asked = characters.filter((_, index) => !shown[index]?.includes('?'));
    const bytes = Buffer.from(shown.filter((line) => !line.includes('?')).join('\n'), 'latin1');
    expect(asked.length).toBeGreaterThan(100);
    expect(charset.decode(bytes) === asked.join('\n')).toBe(true);
  });

  test.each(CHARSET_NAMES)('no byte of a character in %s ends a line or a name', (name) => {
    const charset = charsetNamed(name);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = charset.encode(text.replace(/[\r\n\0/]/g, ''));
        expect([...bytes].filter((byte) => [0, 10, 13, 47].includes(byte))).toEqual([]);
      }),
    );
  });
});

/** A session that sees every byte as one character. */
async function login(user: TestUser) {
  const gateway = await startGateway({}, user);
  const client = await RawClient.login(gateway, { encoding: 'latin1' });
  const send = (line: string) => {
    client.write(Buffer.from(`${line}\r\n`, 'latin1'));
    return client.reply();
  };
  return { gateway, client, send };
}

/** The bytes of a text in a charset, one character for each. */
const wire = (name: (typeof CHARSET_NAMES)[number], text: string) => charsetNamed(name).encode(text).toString('latin1');

test('a session in UTF-8 refuses what is not UTF-8, names the reason, and goes on', async () => {
  const { send, gateway } = await login({});
  expect(await send('MKD Gr\xfc\xdfe')).toMatch(/^501 The command is not valid UTF-8/);
  expect(await send('NOOP')).toMatch(/^200/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test('bytes that mean nothing in the charset of the account are refused with its name', async () => {
  const { send, gateway } = await login({ charset: 'shift_jis' });
  expect(await send('MKD \x93')).toMatch(/^501 .*shift_jis/);
  expect(await send('NOOP')).toMatch(/^200/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test('before the login everything is UTF-8', async () => {
  const gateway = await startGateway({}, { charset: 'cp1252' });
  const client = await RawClient.connect(gateway);
  client.write(Buffer.from('USER Gr\xfc\xdfe\r\n', 'latin1'));
  expect(await client.reply()).toMatch(/^501 .*UTF-8/);
});

test.each([
  ['cp1252', 'Grüße €.txt', 'Köln'],
  ['shift_jis', '表示.txt', '日本'],
  ['koi8-r', 'отчёт.txt', 'Москва'],
] as const)('in %s names go both ways, in arguments, replies and listings', async (charset, file, directory) => {
  const { gateway, client, send } = await login({ charset });
  const [name, folder] = [wire(charset, file), wire(charset, directory)];
  expect(await send(`MKD ${folder}`)).toBe(`257 "/${folder}" created.`);
  expect(await send(`CWD ${folder}`)).toMatch(/^250/);
  expect(await send('PWD')).toContain(`"/${folder}"`);
  writeFileSync(join(gateway.home, directory, file), 'hello');
  expect(await send(`SIZE ${name}`)).toBe('213 5');
  expect(await send(`MLST ${name}`)).toContain(` /${folder}/${name}\n`);
  expect(await send(`STAT ${name}`)).toContain(name);
  for (const verb of ['LIST', 'NLST', 'MLSD']) {
    expect((await client.download(verb)).data.toString('latin1')).toContain(`${name}\r\n`);
  }
  expect(await send(`RNFR ${name}`)).toMatch(/^350/);
  expect(await send(`RNTO ${folder}2`)).toMatch(/^250/);
  expect(readdirSync(join(gateway.home, directory))).toEqual([`${directory}2`]);
});

test('a name that the charset does not have is shown with ? and cannot be addressed', async () => {
  const { gateway, client, send } = await login({ charset: 'cp1252' });
  writeFileSync(join(gateway.home, 'กa.txt'), 'hello');
  expect((await client.download('NLST')).data.toString('latin1')).toBe('?a.txt\r\n');
  expect(await send('SIZE ?a.txt')).toMatch(/^550/);
  expect(await send('DELE ?a.txt')).toMatch(/^550/);
});

test('OPTS UTF8 ON puts UTF-8 in place of the charset, at once, and OFF puts it back', async () => {
  const { gateway, client, send } = await login({ charset: 'cp1252' });
  // Pipelined: what a line means is decided when its turn has come.
  client.write(Buffer.from('MKD \xfc1\r\nOPTS UTF8 ON\r\nMKD \xc3\xbc2\r\nOPTS UTF8 OFF\r\nMKD \xfc3\r\n', 'latin1'));
  const replies = [];
  for (let i = 0; i < 5; i++) replies.push(await client.reply());
  expect(replies).toEqual([
    '257 "/\xfc1" created.',
    '200 Names are UTF-8.',
    '257 "/\xc3\xbc2" created.',
    '200 Names are cp1252.',
    '257 "/\xfc3" created.',
  ]);
  expect(readdirSync(gateway.home).sort()).toEqual(['ü1', 'ü2', 'ü3']);
  expect(await send('OPTS UTF8 ON')).toMatch(/^200/);
  expect((await client.download('NLST')).data.toString().split('\r\n').sort()).toEqual(['', 'ü1', 'ü2', 'ü3']);
});

test('OPTS UTF8 ON may come before the login', async () => {
  const gateway = await startGateway({}, { charset: 'cp1252' });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('OPTS UTF8 ON');
  await client.send(`USER ${gateway.user}`);
  await client.send(`PASS ${gateway.password}`);
  expect(await client.send('MKD é')).toBe('257 "/é" created.');
  expect(readdirSync(gateway.home)).toEqual(['é']);
});

test('a byte 255 is doubled in replies, as Telnet has it, and taken both doubled and alone', async () => {
  const { gateway, client, send } = await login({ charset: 'cp1252' });
  expect(await send('MKD a\xff')).toBe('257 "/a\xff\xff" created.');
  expect(await send('CWD a\xff\xff')).toMatch(/^250/);
  expect(await send('MKD \xffb')).toMatch(/^257/);
  expect(readdirSync(gateway.home)).toEqual(['aÿ']);
  expect(readdirSync(join(gateway.home, 'aÿ'))).toEqual(['ÿb']);
  // A data connection is not Telnet's.
  expect((await client.download('NLST')).data.toString('latin1')).toBe('\xffb\r\n');
});

test('the contents of files are nobody’s charset', async () => {
  const { gateway, client } = await login({ charset: 'shift_jis' });
  const bytes = Buffer.from([0x80, 0xff, 0x00, 0x93]);
  expect(await client.upload('STOR a.bin', bytes)).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.bin')).equals(bytes)).toBe(true);
});
