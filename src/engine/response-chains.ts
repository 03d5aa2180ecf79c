/** The lines that handlers add to a reply: one chain for success, one for failure, both shut once the reply is sealed. */
import type { Reply } from '../protocol/reply.ts';
import { isPositive } from '../protocol/reply.ts';
import type { ResponseChains } from '../spi/module.ts';
import { checkedLine } from './outcome-check.ts';

/** The chains of one command. */
export class Chains implements ResponseChains {
  #before: { readonly success: string[]; readonly error: string[] } = { success: [], error: [] };
  #behind: { readonly success: string[]; readonly error: string[] } = { success: [], error: [] };
  #place: 'before' | 'behind' | 'sealed' = 'before';

  /** @throws TypeError when code that was not type-checked adds what is no text. */
  add(...lines: readonly string[]): void {
    const checked = lines.map((line) => checkedLine(line, 'respond.add'));
    this.#current?.success.push(...checked);
  }

  /** @throws as `add`. */
  addError(...lines: readonly string[]): void {
    const checked = lines.map((line) => checkedLine(line, 'respond.addError'));
    this.#current?.error.push(...checked);
  }

  /** From here on lines go behind those of the command itself. */
  commandDone(): void {
    this.#place = 'behind';
  }

  /** From here on lines go nowhere. */
  seal(): void {
    this.#place = 'sealed';
  }

  /** The reply with the lines of the chain that fits it. */
  around(answer: Reply): Reply {
    const chain = isPositive(answer) ? 'success' : 'error';
    const before = this.#before[chain];
    const behind = this.#behind[chain];
    if (before.length === 0 && behind.length === 0) return answer;
    return { code: answer.code, lines: [...before, ...answer.lines, ...behind] };
  }

  get #current() {
    if (this.#place === 'sealed') return undefined;
    return this.#place === 'before' ? this.#before : this.#behind;
  }
}
