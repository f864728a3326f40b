import { describe, expect, it } from 'vitest';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { listCaptures, readRawCapture } from '../testing/raw-captures.ts';
import { summarize } from './dissect.ts';
import { fuzzDissectors } from './fuzz.ts';
import { MAX_TREE_NODES } from './tree.ts';

const SHORT_RUN = 100_000;
const PACKETS_PER_CAPTURE = 12;

describe('mutated packets', () => {
  it('never make a dissector fail, from packets built here', () => {
    const result = fuzzDissectors(1, SHORT_RUN);
    expect({ bugs: result.bugs, lastBug: result.lastBug, firstFailure: result.firstFailure }).toEqual({
      bugs: 0,
      lastBug: '',
      firstFailure: '',
    });
    // Mutations that stop at the first header would prove nothing.
    expect(result.layers).toBeGreaterThan(3 * SHORT_RUN);
  });

  it.skipIf(!haveCaptures)('never make a dissector fail, from real packets', () => {
    const corpus = listCaptures().flatMap(({ path }) => readRawCapture(path, PACKETS_PER_CAPTURE));
    expect(corpus.length).toBeGreaterThan(10_000);
    const result = fuzzDissectors(2, SHORT_RUN, corpus);
    expect({ bugs: result.bugs, lastBug: result.lastBug, firstFailure: result.firstFailure }).toEqual({
      bugs: 0,
      lastBug: '',
      firstFailure: '',
    });
    expect(result.layers).toBeGreaterThan(3 * SHORT_RUN);
  });

  it('gives the same result for the same seed', () => {
    expect(fuzzDissectors(7, 2_000)).toEqual(fuzzDissectors(7, 2_000));
  });

  it('keeps the tree of a packet of nothing but tags within its limits', () => {
    const bytes = new Uint8Array(65_000);
    for (let i = 12; i + 4 < bytes.length; i += 4) bytes.set([0x81, 0x00, 0x00, 0x01], i);
    expect(summarize(bytes, 1, bytes.length, bytes.length).protocol).not.toBe('');
    const options = new Uint8Array(65_000).fill(1);
    options.set([0x60, 0, 0, 0, 0xfd, 0xc0, 0, 64]);
    expect(fuzzDissectors(3, 50, [{ linkType: 101, bytes: options }]).bugs).toBe(0);
    expect(MAX_TREE_NODES).toBeLessThan(10_000);
  });
});

if (!haveCaptures) console.log(capturesMissing);
