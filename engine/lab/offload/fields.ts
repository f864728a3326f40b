import { hex, u16, u32 } from '../../base/index.ts';
import type { RewrittenField } from '../../contract/index.ts';
import type { Shape } from '../../stack/index.ts';

/** Header fields that an offload may rewrite, with where they are from the start of the packet. */
interface Field {
  readonly name: string;
  readonly label: string;
  readonly start: number;
  readonly length: number;
}

function fieldsOf(b: Uint8Array, s: Shape): Field[] {
  const ip: Field[] =
    s.version === 4
      ? [
          { name: 'ip.len', label: 'Total length', start: s.l3 + 2, length: 2 },
          { name: 'ip.id', label: 'Identification', start: s.l3 + 4, length: 2 },
          { name: 'ip.checksum', label: 'Header checksum', start: s.l3 + 10, length: 2 },
        ]
      : [{ name: 'ipv6.plen', label: 'Payload length', start: s.l3 + 4, length: 2 }];
  if (s.kind === 'udp') {
    const udp = [
      { name: 'udp.length', label: 'Length', start: s.l4 + 4, length: 2 },
      { name: 'udp.checksum', label: 'Checksum', start: s.l4 + 6, length: 2 },
    ];
    return [...ip, ...udp];
  }
  return [
    ...ip,
    { name: 'tcp.seq', label: 'Sequence number', start: s.l4 + 4, length: 4 },
    { name: 'tcp.flags', label: 'Flags', start: s.l4 + 13, length: 1 },
    { name: 'tcp.checksum', label: 'Checksum', start: s.l4 + 16, length: 2 },
    ...timestampFields(b, s),
  ];
}

function timestampFields(b: Uint8Array, s: Shape): Field[] {
  for (let at = s.l4 + 20; at < s.payload;) {
    const kind = b[at]!;
    if (kind === 0) return [];
    if (kind === 8 && at + 10 <= s.payload) {
      return [
        { name: 'tcp.options.timestamp.tsval', label: 'Timestamp value', start: at + 2, length: 4 },
        { name: 'tcp.options.timestamp.tsecr', label: 'Timestamp echo reply', start: at + 6, length: 4 },
      ];
    }
    at += kind === 1 ? 1 : Math.max(2, b[at + 1]!);
  }
  return [];
}

function show(b: Uint8Array, { name, start, length }: Field): string {
  if (name.endsWith('checksum') || name === 'tcp.flags' || name === 'ip.id') return `0x${hex(b, start, start + length)}`;
  return String(length === 1 ? b[start]! : length === 2 ? u16(b, start) : u32(b, start));
}

/** Fields in which two headers of the same shape differ. */
export function differingFields(before: Uint8Array, after: Uint8Array, s: Shape): RewrittenField[] {
  const out: RewrittenField[] = [];
  const known = new Set<number>();
  for (const field of fieldsOf(before, s)) {
    const { start, length } = field;
    let differs = false;
    for (let i = start; i < start + length; i++) {
      known.add(i);
      differs ||= before[i] !== after[i];
    }
    if (differs) out.push({ field: field.name, label: field.label, start, length, before: show(before, field), after: show(after, field) });
  }
  for (let i = 0; i < Math.min(before.length, after.length); i++) {
    if (known.has(i) || before[i] === after[i]) continue;
    out.push({
      field: 'header',
      label: `Byte ${String(i)}`,
      start: i,
      length: 1,
      before: hex(before, i, i + 1),
      after: hex(after, i, i + 1),
    });
  }
  return out;
}
