/** A module for the gateway under measure: a gate that reads each file and lets it pass. */
import { defineGate } from '../src/spi/gate.ts';
import { defineModule } from '../src/spi/module.ts';

/** The module; its gate is called `passing`. */
export const module = defineModule({
  name: 'passing-gate',
  gates: [
    defineGate({
      name: 'passing',
      deadlineMs: 60_000,
      async inspect({ content }) {
        let bytes = 0;
        for await (const piece of content) bytes += piece.length;
        return { verdict: 'pass', detail: `${bytes} bytes` };
      },
    }),
  ],
});
