import { z } from 'zod';
import { ERROR_CODES, type EngineErrorData } from './engine-error.ts';

/** The data of an EngineError as it crosses the contract. */
export const engineErrorSchema: z.ZodType<EngineErrorData> = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  where: z
    .object({ file: z.string().optional(), offset: z.number().optional(), line: z.number().optional(), field: z.string().optional() })
    .optional(),
  fix: z.string().optional(),
});
