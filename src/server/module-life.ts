/** The beginning and the end of modules. */
import type { House } from './house.ts';

/** Has each begin, in its order. @throws what one of them throws. */
export async function startModules({ modules }: Pick<House, 'modules'>): Promise<void> {
  for (const module of modules) await module.onStart?.();
}

/** Has each end: each has its turn, whatever another one throws. */
export async function stopModules({ modules, log }: Pick<House, 'modules' | 'log'>): Promise<void> {
  for (const module of modules) {
    try {
      await module.onStop?.();
    } catch (error) {
      log.error('module.failed', { module: module.name, event: 'stop', error });
    }
  }
}
