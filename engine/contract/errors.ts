import { z } from 'zod';

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

/** Every error that crosses the contract: what happened, where, and what to do about it. */
export const engineErrorSchema = z.object({
  code: z.enum(ERROR_CODES),
  /** One sentence: what happened. */
  message: z.string(),
  /** File name, and offset or line and field where there is one. */
  where: z
    .object({ file: z.string().optional(), offset: z.number().optional(), line: z.number().optional(), field: z.string().optional() })
    .optional(),
  /** One sentence or a command to copy: what to do. */
  fix: z.string().optional(),
});
export type EngineErrorData = z.infer<typeof engineErrorSchema>;

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
