import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseScenario } from '../lab/index.ts';
import { bundledScenarios } from './bundled.ts';
import { DEFAULT_SCENARIO } from './compiled-scenario.ts';
import { listedDetail } from './listed-detail.ts';
import { PacketListing } from './listing.ts';
import { samplesFolder } from './paths.ts';

const quiet = { signal: new AbortController().signal, progress: () => undefined };

test('the tree of a listed packet is that of its explanation, and its row has a verdict only there', async () => {
  const listing = await PacketListing.open(join(samplesFolder, 'mixed-lan.pcapng'), quiet);
  const parsed = parseScenario(bundledScenarios.fileOrBundled(DEFAULT_SCENARIO));
  if (!parsed.ok) throw new Error('The default scenario is wrong.');
  try {
    for (const number of [1, 12, listing.packets]) {
      const detail = listedDetail(listing, number, parsed.value);
      expect(listing.tree(number)).toEqual(detail.layers);
      const [row] = listing.page(number, 1);
      expect(row).toMatchObject({ number, verdict: 'pending', verdictText: '' });
      expect(detail.row).toMatchObject({ number, source: row!.source, info: row!.info });
      expect(detail.row.verdict).not.toBe('pending');
    }
    expect(() => listedDetail(listing, listing.packets + 1, parsed.value)).toThrow('There is no packet');
  } finally {
    listing.dispose();
  }
});
