import { passTo } from './payload.ts';
import { register, type DissectContext } from './registry.ts';

/** No link header at all: the version nibble says which IP it is. */
function dissectRaw(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  tree.layer('raw', 'Raw packet data', start, 0);
  tree.protocol = 'Raw';
  tree.close();
  const version = start < end ? bytes[start]! >> 4 : 0;
  passTo(context, 'ethertype', version === 4 ? 0x0800 : version === 6 ? 0x86dd : -1, start, end, context.wireEnd);
}

export function registerRawIp(): void {
  // 101 is LINKTYPE_RAW; 12 and 14 are DLT_RAW as some systems wrote it; 228 and 229 are LINKTYPE_IPV4 and LINKTYPE_IPV6.
  register('linktype', [101, 12, 14, 228, 229], dissectRaw);
}
