import { putU16, putU32 } from '../base/index.ts';
import { dissectOptionList, type OptionNames } from './option-list.ts';
import type { FieldReader } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** Option kinds (IANA). */
export const TCP_OPTION = {
  end: 0,
  noOperation: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
  md5: 19,
  userTimeout: 28,
  authentication: 29,
  multipath: 30,
  fastOpen: 34,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  0: 'End of Option List (EOL)',
  1: 'No-Operation (NOP)',
  2: 'Maximum segment size',
  3: 'Window scale',
  4: 'SACK permitted',
  5: 'SACK',
  6: 'Echo',
  7: 'Echo reply',
  8: 'Timestamps',
  11: 'CC',
  12: 'CC.NEW',
  13: 'CC.ECHO',
  14: 'Alternate checksum request',
  19: 'TCP MD5 signature',
  20: 'SCPS capabilities',
  21: 'SCPS SNACK',
  27: 'Quick-Start response',
  28: 'User timeout',
  29: 'TCP authentication option',
  30: 'Multipath TCP',
  34: 'TCP Fast Open',
  69: 'Encryption negotiation',
  76: 'Riverbed probe',
  78: 'Riverbed transparency',
  172: 'Accurate ECN order 0',
  174: 'Accurate ECN order 1',
  253: 'Experimental',
  254: 'Experimental',
};

const MPTCP_SUBTYPES: Readonly<Record<number, string>> = {
  0: 'Multipath Capable (MP_CAPABLE)',
  1: 'Join Connection (MP_JOIN)',
  2: 'Data Sequence Signal (DSS)',
  3: 'Add Address (ADD_ADDR)',
  4: 'Remove Address (REMOVE_ADDR)',
  5: 'Change Subflow Priority (MP_PRIO)',
  6: 'Fallback (MP_FAIL)',
  7: 'Fast Close (MP_FASTCLOSE)',
  8: 'Subflow Reset (MP_TCPRST)',
};

/** Maximum segment size option, for builders. */
export function tcpMssOption(mssBytes: number): Uint8Array {
  const out = new Uint8Array(4);
  out[0] = TCP_OPTION.mss;
  out[1] = 4;
  putU16(out, 2, mssBytes);
  return out;
}

/** Two no-operations and the timestamps option: twelve bytes, as most stacks lay it out (RFC 7323 appendix A). */
export function tcpTimestampsOption(value: number, echo: number): Uint8Array {
  const out = new Uint8Array(12);
  out.set([1, 1, TCP_OPTION.timestamps, 10]);
  putU32(out, 4, value);
  putU32(out, 8, echo);
  return out;
}

function body(kind: number, r: FieldReader): string {
  switch (kind) {
    case TCP_OPTION.mss:
      return `${r.u16('tcp.options.mss_val', 'MSS Value')} bytes`;
    case TCP_OPTION.windowScale: {
      const shift = r.u8('tcp.options.wscale.shift', 'Shift count');
      return `${shift} (multiply by ${2 ** Math.min(shift, 14)})`;
    }
    case TCP_OPTION.sack: {
      const edges: string[] = [];
      while (r.more) {
        const left = r.u32('tcp.options.sack_le', 'left edge');
        const right = r.u32('tcp.options.sack_re', 'right edge');
        if (!r.short) edges.push(`${left}-${right}`);
      }
      return edges.join(' ');
    }
    case TCP_OPTION.timestamps: {
      const value = r.u32('tcp.options.timestamp.tsval', 'Timestamp value');
      return `TSval ${value}, TSecr ${r.u32('tcp.options.timestamp.tsecr', 'Timestamp echo reply')}`;
    }
    case TCP_OPTION.md5:
      r.hexBytes('tcp.options.md5.digest', 'MD5 digest', r.left);
      return '';
    case TCP_OPTION.userTimeout: {
      const value = r.u16('tcp.options.user_to_val', 'User Timeout', 'hex');
      return `${value & 0x7fff} ${(value & 0x8000) !== 0 ? 'minutes' : 'seconds'}`;
    }
    case TCP_OPTION.authentication:
      r.u8('tcp.options.ao.keyid', 'Key ID');
      r.u8('tcp.options.ao.rnextkeyid', 'Receive next key ID');
      r.hexBytes('tcp.options.ao.mac', 'MAC', r.left);
      return '';
    case TCP_OPTION.multipath:
      return multipath(r);
    case TCP_OPTION.fastOpen:
      if (r.left === 0) return 'Cookie request';
      r.hexBytes('tcp.options.tfo.cookie', 'Fast Open Cookie', r.left);
      return 'Cookie';
    default:
      r.hexBytes('tcp.options.unknown.payload', 'Payload', r.left);
      return '';
  }
}

function multipath(r: FieldReader): string {
  const at = r.pos;
  const subtype = r.peek8() >> 4;
  r.skip(1);
  if (r.short) return '';
  const name = MPTCP_SUBTYPES[subtype] ?? `subtype ${subtype}`;
  r.tree.field('tcp.options.mptcp.subtype', 'Multipath TCP subtype', `${name} (${subtype})`, at, 1, { raw: subtype });
  r.hexBytes('tcp.options.mptcp.data', 'Data', r.left);
  return name;
}

const OPTIONS: OptionNames = {
  list: 'tcp.options',
  option: ['tcp.option', 'TCP Option'],
  kind: ['tcp.option_kind', 'Kind'],
  length: 'tcp.option_len',
  names: NAMES,
};

export function dissectTcpOptions(context: DissectContext, start: number, end: number): void {
  dissectOptionList(context, start, end, OPTIONS, body);
}
