/** The table of all commands: it drives dispatch, HELP and FEAT, and what is not in it answers 502. */
import type { CommandDefinition } from '../spi/command.ts';
import { CONNECT_DATA } from './connect-data.ts';
import { DIRECTORIES } from './directories.ts';
import { FILES } from './files.ts';
import { LISTING } from './listing.ts';
import { LOGIN } from './login.ts';
import { MACHINE_LISTING } from './machine-listing.ts';
import { PARAMETERS } from './parameters.ts';
import { RETRIEVE } from './retrieve.ts';
import { SECURITY } from './security.ts';
import { SESSION } from './session.ts';
import { SITE } from './site.ts';
import { STATUS } from './status.ts';
import { STORE } from './store.ts';

/** Every command of the gateway, in the order in which HELP and FEAT show them. */
export const COMMANDS: readonly CommandDefinition[] = [
  ...SECURITY,
  ...LOGIN,
  ...CONNECT_DATA,
  ...PARAMETERS,
  ...RETRIEVE,
  ...STORE,
  ...LISTING,
  ...MACHINE_LISTING,
  ...STATUS,
  ...FILES,
  ...DIRECTORIES,
  ...SESSION,
  ...SITE,
];
