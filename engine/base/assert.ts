/** Thrown when the program's own logic is broken. Never caused by packet bytes, files or user input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export function assertDefined<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

/** For the `default:` of a switch that must have covered every case. */
export function unreachable(value: never, message = 'unreachable case'): never {
  throw new AssertionError(`${message}: ${String(value)}`);
}
