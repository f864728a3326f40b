import type { PoolUse, PortBlockRow } from '../../contract/index.ts';
import type { PortBlocks } from '../../translator/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { translatorsOf } from './tables.ts';

/** Addresses of pools that are listed one by one. */
export const MAX_POOL_ROWS = 256;
/** Port blocks in use that are listed one by one. */
export const MAX_BLOCK_ROWS = 512;

/** How full the addresses of the pools are. */
export function poolRows(pipeline: Pipeline): { rows: PoolUse[]; more: number; blocks: PortBlockRow[]; moreBlocks: number } {
  const rows: PoolUse[] = [];
  let more = 0;
  for (const { id: port, state } of translatorsOf(pipeline)) {
    if (state === null) continue;
    const used = new Map<number, { tcp: number; udp: number; icmp: number }>();
    const { bindings } = state;
    let seen = 0;
    for (let e = 0; e < bindings.used && seen < bindings.count; e++) {
      const protocol = bindings.protocol(e);
      if (protocol === 0) continue;
      seen++;
      const address = bindings.address4(e);
      let row = used.get(address);
      if (row === undefined) used.set(address, (row = { tcp: 0, udp: 0, icmp: 0 }));
      if (protocol === 6) row.tcp++;
      else if (protocol === 17) row.udp++;
      else row.icmp++;
    }
    for (const { address, ports } of state.addresses()) {
      if (rows.length >= MAX_POOL_ROWS) {
        more++;
        continue;
      }
      rows.push({ port, address: formatIpv4U32(address), ports, ...(used.get(address) ?? { tcp: 0, udp: 0, icmp: 0 }) });
    }
  }
  return { rows, more, ...blockRows(pipeline) };
}

/** Port blocks in use and who has them, in the order of addresses and ports. */
function blockRows(pipeline: Pipeline): { blocks: PortBlockRow[]; moreBlocks: number } {
  const out: PortBlockRow[] = [];
  let moreBlocks = 0;
  for (const { id, state } of translatorsOf(pipeline)) {
    const blocks = state?.blocks;
    if (blocks === undefined) continue;
    const first = out.length;
    for (let block = 0; block < blocks.total && out.length - first < Math.min(blocks.used, MAX_BLOCK_ROWS - first); block++) {
      if (blocks.inUse(block)) out.push(blockRow(id, blocks, block));
    }
    moreBlocks += blocks.used - (out.length - first);
  }
  return { blocks: out, moreBlocks };
}

function blockRow(port: string, blocks: PortBlocks, block: number): PortBlockRow {
  const subscriber = new Uint8Array(16);
  blocks.writeSubscriber(block, subscriber, 0);
  const firstPort = blocks.layout.firstPort(block);
  return {
    port,
    address: formatIpv4U32(blocks.layout.addressOf(block)),
    firstPort,
    lastPort: firstPort + blocks.size - 1,
    subscriber: `${formatIpv6(subscriber, 0)}/${blocks.layout.prefixBits}`,
    ...blocks.portsOf(block),
  };
}
