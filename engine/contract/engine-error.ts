export const ERROR_CODES = [
  'bad-input',
  'not-found',
  'unsupported',
  'permission',
  'cancelled',
  'busy',
  'limit',
  'unavailable',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Every error that crosses the contract: what happened, where, and what to do about it. The schema of it is in errors.ts. */
export interface EngineErrorData {
  code: ErrorCode;
  /** One sentence: what happened. */
  message: string;
  /** File name, and offset or line and field where there is one. */
  where?: { file?: string | undefined; offset?: number | undefined; line?: number | undefined; field?: string | undefined } | undefined;
  /** One sentence or a command to copy: what to do. */
  fix?: string | undefined;
}

/** Apart from the schemas, so that a program which only reads a file does not load them. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly data: EngineErrorData;

  constructor(data: EngineErrorData) {
    super(data.message);
    this.data = data;
  }

  get code(): ErrorCode {
    return this.data.code;
  }
}
