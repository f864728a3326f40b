import { dissectPpp } from './ppp.ts';
import { passOn } from './payload.ts';
import { bitField, FieldReader, flagBit } from './reader.ts';
import { MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const L2TP_PORT = 1701;

const BIT = { control: 0x8000, length: 0x4000, sequence: 0x0800, offset: 0x0200, priority: 0x0100 } as const;

/** L2TP version 2 over UDP (RFC 2661 section 3.1); control messages' attributes and version 3 are shown as bytes. */
function dissectL2tp(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('l2tp', 'Layer 2 Tunneling Protocol', start, end - start);
  tree.protocol = 'L2TP';
  const r = new FieldReader(context, start, end);
  const flags = r.u16('l2tp.flags', 'Flags', 'hex');
  const version = flags & 15;
  if (!r.short) {
    flagBit(tree, 'l2tp.type', 'Type', flags, BIT.control, start, 2);
    flagBit(tree, 'l2tp.length_bit', 'Length Bit', flags, BIT.length, start, 2);
    flagBit(tree, 'l2tp.seq_bit', 'Sequence Bit', flags, BIT.sequence, start, 2);
    flagBit(tree, 'l2tp.offset_bit', 'Offset bit', flags, BIT.offset, start, 2);
    flagBit(tree, 'l2tp.priority', 'Priority', flags, BIT.priority, start, 2);
    bitField(tree, 'l2tp.version', 'Version', version, start, 2);
  }
  if (version !== 2) {
    tree.info = `Version ${version}`;
    r.hexBytes('l2tp.data', 'Data', r.left);
    r.finish('L2TP');
    tree.close();
    return;
  }
  if ((flags & BIT.length) !== 0) r.u16('l2tp.length', 'Length');
  const tunnel = r.u16('l2tp.tunnel', 'Tunnel ID');
  const session = r.u16('l2tp.session', 'Session ID');
  if ((flags & BIT.sequence) !== 0) {
    r.u16('l2tp.Ns', 'Ns');
    r.u16('l2tp.Nr', 'Nr');
  }
  if ((flags & BIT.offset) !== 0) {
    const offset = r.u16('l2tp.offset', 'Offset');
    r.hexBytes('l2tp.offset_padding', 'Offset Padding', offset);
  }
  const control = (flags & BIT.control) !== 0;
  tree.info = `${control ? 'Control' : 'Data'} Message (tunnel id=${tunnel}, session id=${session})`;
  if (control) r.hexBytes('l2tp.avps', 'AVPs', r.left);
  node.length = r.pos - start;
  r.finish('L2TP');
  tree.close();
  if (r.short || control) return;
  // PPP inside may or may not have its address and control bytes.
  const at = r.left >= 2 && r.peek16() === 0xff03 ? r.pos + 2 : r.pos;
  context.tunnels++;
  passOn(context, context.tunnels > MAX_TUNNELS ? undefined : dissectPpp, at, end, wireEnd);
  context.tunnels--;
}

export function registerL2tp(): void {
  register('udp.port', [L2TP_PORT], dissectL2tp);
}
