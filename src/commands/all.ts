/** The table of all commands: it drives dispatch, HELP and FEAT, and what is not in it answers 500. */
import type { CommandDefinition } from '../spi/command.ts';
import { COMBINE } from './combine.ts';
import { CONNECT_DATA } from './connect-data.ts';
import { COPY } from './copy.ts';
import { DIRECTORIES } from './directories.ts';
import { FILES } from './files.ts';
import { HASH } from './hash.ts';
import { HASH_BY_NAME } from './hash-by-name.ts';
import { INTRODUCTION } from './introduction.ts';
import { LISTING } from './listing.ts';
import { LOGIN } from './login.ts';
import { MACHINE_LISTING } from './machine-listing.ts';
import { MODE } from './mode.ts';
import { MODIFY_FACTS } from './modify-facts.ts';
import { PARAMETERS } from './parameters.ts';
import { REFUSED } from './refused.ts';
import { REMOVE_TREE } from './remove-tree.ts';
import { RETRIEVE } from './retrieve.ts';
import { SECURITY } from './security.ts';
import { SESSION } from './session.ts';
import { SITE } from './site.ts';
import { SPACE } from './space.ts';
import { STATUS } from './status.ts';
import { STORE } from './store.ts';
import { VIRTUAL_HOST } from './virtual-host.ts';

/** Every command of the gateway, in the order in which HELP and FEAT show them. */
export const COMMANDS: readonly CommandDefinition[] = [
  ...SECURITY,
  ...LOGIN,
  ...VIRTUAL_HOST,
  ...INTRODUCTION,
  ...CONNECT_DATA,
  ...PARAMETERS,
  ...MODE,
  ...RETRIEVE,
  ...STORE,
  ...LISTING,
  ...MACHINE_LISTING,
  ...STATUS,
  ...FILES,
  ...MODIFY_FACTS,
  ...COPY,
  ...COMBINE,
  ...HASH,
  ...HASH_BY_NAME,
  ...DIRECTORIES,
  ...REMOVE_TREE,
  ...SPACE,
  ...SESSION,
  ...SITE,
  ...REFUSED,
];
