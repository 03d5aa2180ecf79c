/** Verbs that no command has: handlers of `*` see them as ProFTPD's do, and the client reads 500 as ever. */
import { expect, test } from 'vitest';
import { reply } from '../../src/protocol/reply.ts';
import {
  DECLINED,
  defineModule,
  ERROR,
  HANDLED,
  PHASES,
  type PhaseHandler,
  type Request,
} from '../../src/spi/module.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

/** A module that writes down every phase of every command that it is called for. */
function recorder() {
  const seen: string[] = [];
  const traits: Request['traits'][] = [];
  const handlers = PHASES.map((phase) => ({
    ...{ phase, verb: '*' },
    handle: (request: Request) => {
      seen.push(`${phase} ${request.traits.verb} ${request.argument}`.trimEnd());
      traits.push(request.traits);
      return DECLINED;
    },
  })) as unknown as PhaseHandler[];
  return { seen, traits, module: defineModule({ name: 'recorder', handlers }) };
}

test('they pass the phases, and what stands behind them is shown to nobody', async () => {
  const { seen, traits, module } = recorder();
  const gateway = await startGateway({}, {}, { modules: [module] });
  const client = await RawClient.connect(gateway);
  expect(await client.send('pasw hunter2')).toBe('500 Command not understood.');
  expect(await client.send('WHAT')).toBe('500 Command not understood.');
  const phases = ['PRE_CMD', 'CMD', 'POST_CMD_ERR', 'LOG_CMD_ERR'];
  expect(seen).toEqual([...phases.map((phase) => `${phase} PASW ***`), ...phases.map((phase) => `${phase} WHAT`)]);
  expect(traits[0]).toMatchObject({ class: 'misc', who: 'anyone', unknown: true });
  expect(gateway.log.of('command')).toMatchObject([{ verb: 'PASW', argument: '***', code: 500 }, { verb: 'WHAT' }]);
  expect(JSON.stringify(gateway.log.entries)).not.toContain('hunter2');
});

test('a guard may refuse them, a handler may do them, and lines may be added', async () => {
  const module = defineModule({
    name: 'odd',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        handle: ({ traits }) => (traits.verb === 'NO' ? ERROR(reply(550, 'No.')) : DECLINED),
      },
      {
        phase: 'CMD',
        verb: '*',
        handle: ({ traits }) => (traits.verb === 'PING' ? HANDLED(reply(200, 'Pong.')) : DECLINED),
      },
      {
        phase: 'POST_CMD_ERR',
        verb: '*',
        handle({ traits, respond }) {
          if (traits.unknown === true) respond.addError('Try HELP.');
          return DECLINED;
        },
      },
    ],
  });
  const gateway = await startGateway({}, {}, { modules: [module] });
  const client = await RawClient.connect(gateway);
  expect(await client.send('NO')).toBe('550-No.\n550 Try HELP.');
  expect(await client.send('PING')).toBe('200 Pong.');
  expect(await client.send('WHAT')).toBe('500-Command not understood.\n500 Try HELP.');
  expect(await client.send('HELP')).not.toMatch(/PING|WHAT/);
  expect(await client.send('HELP WHAT')).toMatch(/^502/);
});

test('too many of them in a row end the session, also when a guard refuses them', async () => {
  const handle = ({ traits }: Request) => (traits.unknown === true ? ERROR(reply(550, 'No.')) : DECLINED);
  const module = defineModule({ name: 'guard', handlers: [{ phase: 'PRE_CMD', verb: '*', handle }] });
  const gateway = await startGateway({ limits: { badCommandsMax: 3 } }, {}, { modules: [module] });
  const client = await RawClient.connect(gateway);
  client.write('AA\r\nBB\r\nNOOP\r\nAA\r\nBB\r\nCC\r\nDD\r\n');
  const codes: string[] = [];
  for (let index = 0; index < 7; index++) codes.push((await client.reply()).slice(0, 3));
  expect(codes).toEqual(['550', '550', '200', '550', '550', '550', '421']);
});

test('a handler cannot wait for one of them', async () => {
  const module = defineModule({
    name: 'odd',
    handlers: [{ phase: 'PRE_CMD', verb: 'WHAT', handle: () => DECLINED }],
  });
  await expect(startGateway({}, {}, { modules: [module] })).rejects.toThrow('there is no such command');
});
