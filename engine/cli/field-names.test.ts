import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FieldNode } from '../contract/index.ts';
import { fieldNamesFile } from '../host/index.ts';
import { dissectPacket, samplePackets } from '../wire/index.ts';
import { fieldNames, isFieldName } from './field-names.ts';

describe.runIf(existsSync(fieldNamesFile))('field names as the build collects them', () => {
  test('hold every field that the built packets have', () => {
    const unknown = new Set<string>();
    const visit = (node: FieldNode): void => {
      if (node.name !== '' && !isFieldName(node.name)) unknown.add(node.name);
      node.children?.forEach(visit);
    };
    for (const { bytes, linkType } of samplePackets()) {
      dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 }).layers.forEach(visit);
    }
    expect([...unknown]).toEqual([]);
  });

  test('do not hold what nobody makes', () => {
    expect(fieldNames().length).toBeGreaterThan(500);
    expect(
      ['ip.src', 'tcp.flags.syn', 'udp.srcport', 'ip.checksum.status', 'sip.Via', 'dns.qry.name'].filter((name) => !isFieldName(name)),
    ).toEqual([]);
    expect(['ip.scr', 'ip', 'nothing.at.all', 'tcp.flags.sin', 'tpc.checksum'].filter(isFieldName)).toEqual(['ip']);
  });
});
