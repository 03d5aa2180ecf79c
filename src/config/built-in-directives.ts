/** The directives of the modules that every gateway has. Their keys are part of the type of the options. */
import { allowOverride } from '../access/allow-override.ts';
import { rulesDirective } from '../access/rules.ts';
import { intakeDirective } from '../intake/intake-directive.ts';
import { loginMessage, quitMessage } from '../modules/messages.ts';
import { postQuantum } from '../modules/post-quantum.ts';
import { accountRates, serverRates, sessionRates } from '../modules/rates.ts';

/** All of them; a built-in module that declares a directive has it in this list. */
export const BUILT_IN_DIRECTIVES = [
  allowOverride,
  rulesDirective,
  intakeDirective,
  postQuantum,
  loginMessage,
  quitMessage,
  sessionRates,
  accountRates,
  serverRates,
] as const;
