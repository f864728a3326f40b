import { IP_PROTOCOL_NAMES } from './names.ts';
import { passTo } from './payload.ts';
import { FieldReader, hexNumber } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

/** Authentication Header (RFC 4302 section 2): length in 4-byte units, less two. */
function dissectAh(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('ah', 'Authentication Header', start, end - start);
  tree.protocol = 'AH';
  const r = new FieldReader(context, start, end);
  const next = r.u8('ah.next_header', 'Next header', IP_PROTOCOL_NAMES);
  const length = (r.u8('ah.length', 'Length', (v) => `${v} (${(v + 2) * 4} bytes)`) + 2) * 4;
  r.u16('ah.reserved', 'Reserved', 'hex');
  const spi = r.u32('ah.spi', 'AH SPI', 'hex');
  r.u32('ah.sequence', 'AH Sequence');
  r.hexBytes('ah.icv', 'AH ICV', length - 12);
  r.finish('AH');
  node.length = Math.min(length, end - start);
  tree.info = `AH (SPI=${hexNumber(spi, 8)})`;
  tree.close();
  if (!r.short) passTo(context, 'ip.proto', next, start + length, end, wireEnd);
}

/** Encapsulating Security Payload (RFC 4303): only its first eight bytes are readable without a key. */
function dissectEsp(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  tree.layer('esp', 'Encapsulating Security Payload', start, end - start);
  tree.protocol = 'ESP';
  const r = new FieldReader(context, start, end);
  const spi = r.u32('esp.spi', 'ESP SPI', 'hex');
  r.u32('esp.sequence', 'ESP Sequence');
  r.hexBytes('esp.encrypted_data', 'Encrypted Data', r.left);
  r.finish('ESP');
  tree.info = `ESP (SPI=${hexNumber(spi, 8)})`;
  tree.close();
}

export function registerIpsec(): void {
  register('ip.proto', [51], dissectAh);
  register('ip.proto', [50], dissectEsp);
}
