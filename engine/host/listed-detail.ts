import type { PacketDetail, Scenario } from '../contract/index.ts';
import type { PacketListing } from './listing.ts';
import { readDetail } from './session/detail.ts';
import { noPacket } from './session/packets.ts';

/** Everything about one packet of a listing, run through a scenario. EngineError `not-found` for a number the input does not have. */
export function listedDetail(listing: PacketListing, number: number, scenario: Scenario): PacketDetail {
  const row = number <= listing.packets ? listing.page(number, 1)[0] : undefined;
  if (row === undefined) throw noPacket(number, listing.packets);
  const detail = readDetail(listing.input, row, scenario, []);
  // Nothing has run through this listing, so the row takes its verdict from the explanation.
  const drop = detail.path.find(({ event }) => event === 'drop');
  const end = detail.path.findLast(({ event }) => event === 'read' || event === 'transmit');
  if (drop !== undefined) return { ...detail, row: { ...row, verdict: 'dropped', verdictText: String(drop.fields['reason'] ?? '') } };
  if (end !== undefined) return { ...detail, row: { ...row, verdict: 'delivered', verdictText: end.obj.split('.')[0] ?? '' } };
  return { ...detail, row: { ...row, verdict: 'held' } };
}
