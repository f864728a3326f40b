import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { FieldNode } from '../../../../engine/contract/index.ts';
import { asCArray, asDump, asEscaped, asHex, asciiByte, changedBytes } from './bytes.ts';
import { ancestry, fieldAtByte, fieldByName, flatten, visibleRows } from './fields.ts';

const field = (name: string, offset: number, length: number, extra: Partial<FieldNode> = {}): FieldNode => ({
  name,
  label: name,
  value: '',
  offset,
  length,
  ...extra,
});

const layers: FieldNode[] = [
  field('frame', 0, 64, { children: [field('frame.number', 0, 0, { generated: true })] }),
  field('eth', 0, 14, { children: [field('eth.dst', 0, 6), field('eth.src', 6, 6), field('eth.type', 12, 2)] }),
  field('ip', 14, 20, {
    children: [
      field('ip.version', 14, 1),
      field('ip.hdr_len', 14, 1),
      field('ip.flags', 20, 1, { children: [field('ip.flags.df', 20, 1)] }),
      field('ip.checksum', 24, 2, { experts: [{ severity: 'error', message: 'bad checksum' }] }),
      field('ip.src', 26, 4),
    ],
  }),
];
const rows = flatten(layers);

describe('fields', () => {
  test('stand in reading order with their place among siblings', () => {
    expect(rows.map((row) => row.id)).toEqual(['0', '0.0', '1', '1.0', '1.1', '1.2', '2', '2.0', '2.1', '2.2', '2.2.0', '2.3', '2.4']);
    expect(rows[4]).toMatchObject({ depth: 1, parent: '1', position: 2, siblings: 3, expandable: false });
  });

  test('only what is inside open fields shows', () => {
    const open = new Set(['ip']);
    const visible = visibleRows(rows, (row) => open.has(row.node.name));
    expect(visible.map((row) => row.node.name)).toEqual([
      'frame',
      'eth',
      'ip',
      'ip.version',
      'ip.hdr_len',
      'ip.flags',
      'ip.checksum',
      'ip.src',
    ]);
  });

  test('a byte belongs to the innermost field', () => {
    expect(fieldAtByte(rows, 7)?.node.name).toBe('eth.src');
    expect(fieldAtByte(rows, 20)?.node.name).toBe('ip.flags.df');
    expect(fieldAtByte(rows, 14)?.node.name).toBe('ip.hdr_len');
    expect(fieldAtByte(rows, 40)?.node.name).toBe('frame');
    expect(fieldAtByte(rows, 64)).toBeNull();
  });

  test('every byte of a frame has a field', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 63 }), (at) => fieldAtByte(rows, at) !== null));
  });

  test('a finding shows on everything it lies in', () => {
    const severity = (name: string) => fieldByName(rows, name)?.severity;
    expect([severity('ip'), severity('ip.checksum'), severity('ip.src'), severity('eth')]).toEqual(['error', 'error', null, null]);
  });

  test('ancestry runs from the layer to the field', () => {
    expect(ancestry(rows, '2.2.0').map((row) => row.node.name)).toEqual(['ip', 'ip.flags', 'ip.flags.df']);
  });
});

describe('bytes', () => {
  const bytes = Uint8Array.from([0x47, 0x45, 0x54, 0x20, 0x00, 0xff, 0x2e]);
  test('copied forms', () => {
    expect(asHex(bytes)).toBe('47 45 54 20 00 ff 2e');
    expect(asEscaped(bytes)).toBe('\\x47\\x45\\x54\\x20\\x00\\xff\\x2e');
    expect(asCArray(bytes, 'packet_7')).toBe(
      'static const unsigned char packet_7[7] = {\n  0x47, 0x45, 0x54, 0x20, 0x00, 0xff, 0x2e,\n};\n',
    );
    expect(asDump(bytes, 4)).toBe('0000  47 45 54 20  GET \n0004  00 ff 2e     ...\n');
    expect(asHex(new Uint8Array())).toBe('');
  });

  test('a control byte is told from a full stop', () => {
    expect(asciiByte(0x2e)).toBe('.');
    expect(asciiByte(0x00)).toBe('·');
    expect(asciiByte(0x7f)).toBe('·');
  });

  test('changed bytes are counted from the end', () => {
    const before = Uint8Array.from([6, 0, 0, 0, 1, 2, 3]);
    const after = Uint8Array.from([4, 5, 1, 2, 3]);
    expect([...changedBytes(before, after)]).toEqual([1, 1, 0, 0, 0]);
    expect([...changedBytes(before, before)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([...changedBytes(Uint8Array.from([1]), Uint8Array.from([9, 1]))]).toEqual([1, 0]);
  });
});
