/** Checks for our own mistakes: a failed assertion is a bug in Sallyport, never the client's doing. */

/** Thrown by `assert` and `unreachable`; ends the session that met it and is logged with its stack. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** States what must be true here. @throws AssertionFailed when it is not. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Closes a `switch` over a union: the compiler proves that no case is missing. @throws AssertionFailed if reached. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable case: ${JSON.stringify(value)}`);
}
