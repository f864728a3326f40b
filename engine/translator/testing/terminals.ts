import { expect } from 'vitest';
import { convertersSchema, type ConvertersInput, type ConvertersResult } from '../../contract/index.ts';
import { runConverters } from '../terminals/index.ts';

/** Parties of one family, and a terminal of both that converts. */
export const phone4 = { id: 'alice', family: 'v4' } as const;
export const phone6 = { id: 'bob', family: 'v6' } as const;
export const dual = (id: string, role: object = {}) => ({ id, family: 'dual', converter: role }) as const;

/** Runs a network without a gateway, unless it names one. */
export function run(input: Omit<ConvertersInput, 'name'>, options: Parameters<typeof runConverters>[1] = {}): ConvertersResult {
  return runConverters(convertersSchema.parse({ name: 'test', gateway: null, ...input }), options);
}

/** Alice calls Bob. */
export const call = { atS: 1, from: 'alice', to: 'bob', holdS: 5 };
/** Media went both ways, and all of it came. */
export const lossless = ({ forward, backward }: ConvertersResult['sessions'][number]): void => {
  for (const each of [forward, backward]) {
    expect(each.sent).toBeGreaterThan(200);
    expect(each.received).toBe(each.sent);
  }
};
