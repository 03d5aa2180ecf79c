/** What an operator has to say to those who log in and those who leave: pyftpdlib's msg_login and msg_quit. */
import { z } from 'zod';
import { defineDirective } from '../spi/directive.ts';
import type { Module } from '../spi/module.ts';
import { DECLINED, defineModule } from '../spi/module.ts';
import type { Settings } from '../spi/settings.ts';

/** One line, or several with line ends between them. */
const message = z
  .string()
  .max(4_096)
  .refine((text) => !/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u.test(text), { error: 'must be lines of visible characters' })
  .refine((text) => text.split('\n').length <= 50, { error: 'must have at most 50 lines' });

/** What is said behind a login; empty is nothing. */
export const loginMessage = defineDirective({
  name: 'loginMessage',
  help: 'Lines that are added to the reply to a login (230).',
  contexts: ['server', 'host', 'class', 'account'],
  schema: message,
  initial: '',
});

/** What is said to those who were logged in and leave; empty is nothing. */
export const quitMessage = defineDirective({
  name: 'quitMessage',
  help: 'Lines that are added to the reply to QUIT (221).',
  contexts: ['server', 'host', 'class', 'account'],
  schema: message,
  initial: '',
});

/**
 * Adds the lines behind those of the reply. They are added by what a command does and not by its verb: whatever logs in
 * says the one, whatever closes on request the other. Strangers are told nothing.
 *
 * @param settings what directives amount to; asked for when it is needed, since it knows the modules.
 */
export function messages(settings: () => Pick<Settings, 'inSession'>): Module {
  return defineModule({
    name: 'messages',
    directives: [loginMessage, quitMessage],
    handlers: [
      {
        phase: 'POST_CMD',
        verb: '*',
        handle({ context: { session }, respond }, { change }) {
          if (change?.kind === 'LogIn') {
            // The session becomes that of the account behind this reply; what the account says holds in it already.
            const login = { state: 'LoggedIn', account: change.account } as const;
            respond.add(...linesOf(settings().inSession(loginMessage, { ...session, login })));
          } else if (change?.kind === 'Close' && session.login.state === 'LoggedIn') {
            respond.add(...linesOf(settings().inSession(quitMessage, session)));
          }
          return DECLINED;
        },
      },
    ],
  });
}

/** A block of YAML ends with a line end that is no line of its own. */
function linesOf(text: string): readonly string[] {
  const trimmed = text.replace(/\n+$/, '');
  return trimmed === '' ? [] : trimmed.split('\n');
}
