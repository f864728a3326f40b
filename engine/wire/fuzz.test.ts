import { describe, expect, it } from 'vitest';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { listCaptures, readRawCapture } from '../testing/raw-captures.ts';
import type { FieldNode } from '../contract/index.ts';
import { dissectPacket } from './dissect.ts';
import { fuzzDissectors } from './fuzz.ts';
import { MAX_LAYERS } from './registry.ts';
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

  it('keeps the tree of a packet of nothing but tags, or nothing but options, within its limits', () => {
    const tags = new Uint8Array(65_000);
    for (let i = 12; i + 4 < tags.length; i += 4) tags.set([0x81, 0x00, 0x00, 0x01], i);
    const tagged = dissectPacket(tags, 1, tags.length, tags.length, { number: 1 });
    expect(tagged.bug).toBeUndefined();
    expect(tagged.layerNames.filter((name) => name === 'vlan').length).toBe(MAX_LAYERS - 1);
    expect(tagged.layerNames.at(-1)).toBe('data');
    // A hop-by-hop header of single-byte options in a jumbo frame of many headers.
    const options = new Uint8Array(65_000);
    options.set([0x60, 0, 0, 0, 0xfd, 0xc0, 0, 64]);
    for (let i = 40; i + 2_048 <= options.length; i += 2_048) options.set([0, 255], i);
    const padded = dissectPacket(options, 101, options.length, options.length, { number: 1 });
    const count = (nodes: readonly FieldNode[]): number => nodes.reduce((sum, node) => sum + 1 + count(node.children ?? []), 0);
    expect(count(padded.layers)).toBe(MAX_TREE_NODES);
    expect(padded.refusedNodes).toBeGreaterThan(0);
    expect(padded.bug).toBeUndefined();
  });
});

if (!haveCaptures) console.log(capturesMissing);
