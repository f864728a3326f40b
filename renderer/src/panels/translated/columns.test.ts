import { describe, expect, it } from 'vitest';
import { TRANSLATED_FLOWS } from '../../testing/translated-double.ts';
import { FLOW_COLUMNS, flowCell, isSortKey, leftText, portStart, sideText } from './columns.ts';

const [first, second] = TRANSLATED_FLOWS;

describe('cells of a translated conversation', () => {
  it('show both sides with brackets round IPv6', () => {
    expect(sideText(first!.six)).toBe('[2001:db8:1::7]:49152 → [64:ff9b::c633:6409]:443');
    expect(sideText(first!.four)).toBe('203.0.113.7:49152 → 198.51.100.9:443');
    expect(sideText(second!.six)).toBe('');
  });
  it.each([
    ['[2001:db8:1::7]:49152', ':49152'],
    ['203.0.113.7:80', ':80'],
    ['2001:db8::1', ''],
    ['203.0.113.7', ''],
    ['', ''],
  ])('tell the port of %s apart', (end, port) => {
    expect(end.slice(portStart(end))).toBe(port);
  });
  it('count down the time that is left', () => {
    expect(leftText(first!, 0)).toBe(leftText({ ...first!, endsNs: 7_440e9 + 4e6 }, 4e6));
    expect(leftText(first!, 8_000e9)).toBe('0 s');
    expect(leftText(second!, 0)).toBe('');
  });
  it('mark refusals by a shape, and name every column', () => {
    expect(flowCell('refused', second!, 0)).toBe('⊘ 2');
    for (const { id, sortable } of FLOW_COLUMNS) {
      expect(flowCell(id, first!, 0)).not.toBe('');
      expect(isSortKey(id)).toBe(sortable === true);
    }
  });
});
