import { formatIpv4U32 } from './address.ts';
import { dissectIpv6 } from './ipv6.ts';
import { passOn } from './payload.ts';
import { FieldReader } from './reader.ts';
import { MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const TEREDO_PORT = 3544;

/** RFC 4380 section 5.1.1: optional authentication and origin indications, then an IPv6 packet. */
function dissectTeredo(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  const r = new FieldReader(context, start, end);
  // Anything that does not begin as Teredo does is shown as bytes.
  if (r.peek16() > 1 && r.peek8() >> 4 !== 6) {
    passOn(context, undefined, start, end, wireEnd);
    return;
  }
  const node = tree.layer('teredo', 'Teredo IPv6 over UDP tunneling', start, 0);
  tree.protocol = 'Teredo';
  tree.info = 'Teredo';
  if (r.peek16() === 1) authentication(r);
  if (r.left >= 8 && r.peek16() === 0) origin(r);
  node.length = r.pos - start;
  r.finish('Teredo');
  tree.close();
  if (r.short || !r.more) return;
  context.tunnels++;
  const next = r.peek8() >> 4 === 6 && context.tunnels <= MAX_TUNNELS ? dissectIpv6 : undefined;
  passOn(context, next, r.pos, end, wireEnd);
  context.tunnels--;
}

function authentication(r: FieldReader): void {
  r.group('teredo.auth', 'Teredo Authentication header', () => {
    r.skip(2);
    const idLength = r.u8('teredo.auth.idlen', 'Client identifier length');
    const valueLength = r.u8('teredo.auth.aulen', 'Authentication value length');
    r.hexBytes('teredo.auth.id', 'Client identifier', idLength);
    r.hexBytes('teredo.auth.value', 'Authentication value', valueLength);
    r.u64('teredo.auth.nonce', 'Nonce value', 'hex');
    r.u8('teredo.auth.conf', 'Confirmation byte', 'hex');
    return '';
  });
}

/** Port and address are sent with every bit turned over, to keep translators from changing them. */
function origin(r: FieldReader): void {
  r.group('teredo.orig', 'Teredo Origin Indication header', () => {
    r.skip(2);
    const port = r.peek16() ^ 0xffff;
    r.tree.field('teredo.orig.port', 'Origin UDP port', String(port), r.pos, 2, { raw: port });
    r.skip(2);
    const address = formatIpv4U32(~((r.peek16() << 16) | r.peek16(2)) >>> 0);
    r.tree.field('teredo.orig.addr', 'Origin IPv4 address', address, r.pos, 4, { raw: address });
    r.skip(4);
    return `${address}:${port}`;
  });
}

export function registerTeredo(): void {
  register('udp.port', [TEREDO_PORT], dissectTeredo);
}
