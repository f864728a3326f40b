import { expect, test } from 'vitest';
import { portSchema } from '../contract/index.ts';
import { defaultHostPort } from './host-port.ts';

test('the host port of a scenario without one is what the schema gives a host port of which nothing is said', () => {
  expect(defaultHostPort()).toEqual(portSchema.parse({ id: 'host', kind: 'host' }));
});
