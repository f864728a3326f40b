import { putU16 } from '../../base/index.ts';
import { checksum, pseudoSum6, sum16, sumIsGood } from '../../wire/index.ts';
import { ADDRESS_BYTES, type Family } from '../addresses.ts';
import type { BadMessage } from './group-messages.ts';
import { PimReader, PimWriter } from './pim-fields.ts';
import {
  TRANSLATION_ROUTER_OPTION,
  PIM_TYPE,
  type PimHello,
  type PimSource,
  type PimGroupSet,
  type PimJoinPrune,
  type BootstrapRp,
  type BootstrapGroup,
  type PimBootstrap,
  type PimMessage,
} from './pim-messages.ts';

const TYPE_OF: Readonly<Record<PimMessage['kind'], number>> = {
  hello: PIM_TYPE.hello,
  register: PIM_TYPE.register,
  'register-stop': PIM_TYPE.registerStop,
  'join-prune': PIM_TYPE.joinPrune,
  bootstrap: PIM_TYPE.bootstrap,
  assert: PIM_TYPE.assert,
  'candidate-rp': PIM_TYPE.candidateRp,
};

const NO_FORWARD = 0x80;

/** The message without its IP header, checksum zero: sealPim in packets.ts sets it, since IPv6 needs the addresses. */
export function buildPim(message: PimMessage, family: Family): Uint8Array {
  const w = new PimWriter(family);
  w.u8(0x20 | TYPE_OF[message.kind]);
  w.u8(message.kind === 'bootstrap' && message.noForward ? NO_FORWARD : 0);
  w.u16(0);
  const all = ADDRESS_BYTES[family] * 8;
  switch (message.kind) {
    case 'hello':
      writeHello(w, message, family);
      break;
    case 'join-prune':
      w.unicast(message.upstream);
      w.u8(0);
      w.u8(message.groups.length);
      w.u16(message.holdtimeS);
      for (const { group, maskLength, joins, prunes } of message.groups) {
        w.group(group, maskLength);
        w.u16(joins.length);
        w.u16(prunes.length);
        for (const join of joins) w.source(join);
        for (const prune of prunes) w.source(prune);
      }
      break;
    case 'register':
      w.u32((message.border ? 0x80000000 : 0) | (message.nullRegister ? 0x40000000 : 0));
      w.raw(message.packet);
      break;
    case 'register-stop':
      w.group(message.group, all);
      w.unicast(message.source);
      break;
    case 'assert':
      w.group(message.group, all);
      w.unicast(message.source);
      w.u32((message.rpt ? 0x80000000 : 0) | (message.preference & 0x7fffffff));
      w.u32(message.metric);
      break;
    case 'bootstrap':
      writeBootstrap(w, message);
      break;
    case 'candidate-rp':
      w.u8(message.groups.length);
      w.u8(message.priority);
      w.u16(message.holdtimeS);
      w.unicast(message.rp);
      for (const { group, maskLength, bidirectional } of message.groups) w.group(group, maskLength, bidirectional);
      break;
  }
  return w.bytes.slice(0, w.length);
}

function writeHello(w: PimWriter, hello: PimHello, family: Family): void {
  const option = (type: number, length: number): void => {
    w.u16(type);
    w.u16(length);
  };
  option(1, 2);
  w.u16(hello.holdtimeS);
  if (hello.lanPruneDelay !== null) {
    option(2, 4);
    w.u16((hello.lanPruneDelay.tracking ? 0x8000 : 0) | hello.lanPruneDelay.propagationMs);
    w.u16(hello.lanPruneDelay.overrideMs);
  }
  if (hello.drPriority !== null) {
    option(19, 4);
    w.u32(hello.drPriority);
  }
  if (hello.generationId !== null) {
    option(20, 4);
    w.u32(hello.generationId);
  }
  if (hello.addresses.length > 0) {
    option(24, hello.addresses.length * (2 + ADDRESS_BYTES[family]));
    for (const address of hello.addresses) w.unicast(address);
  }
  if (hello.translationRouter !== null) {
    option(TRANSLATION_ROUTER_OPTION, 4);
    w.u32(hello.translationRouter);
  }
}

function writeBootstrap(w: PimWriter, message: PimBootstrap): void {
  w.u16(message.fragmentTag);
  w.u8(message.hashMaskLength);
  w.u8(message.priority);
  w.unicast(message.bsr);
  for (const { group, maskLength, bidirectional, count, rps } of message.groups) {
    w.group(group, maskLength, bidirectional);
    w.u8(count);
    w.u8(rps.length);
    w.u16(0);
    for (const rp of rps) {
      w.unicast(rp.address);
      w.u16(rp.holdtimeS);
      w.u8(rp.priority);
      w.u8(0);
    }
  }
}

/** The checksum of a register may cover its first eight bytes only (RFC 7761 section 4.9.3); receivers take both. */
function sumGood(b: Uint8Array, start: number, end: number, family: Family, source6: number, destination6: number): boolean {
  const good = (stop: number): boolean => {
    const pseudo = family === 6 ? pseudoSum6(b, source6, destination6, 103, stop - start) : 0;
    return sumIsGood(sum16(b, start, stop, pseudo));
  };
  return good(end) || ((b[start]! & 15) === PIM_TYPE.register && start + 8 <= end && good(start + 8));
}

/** Reads a PIM message. For IPv6 the addresses of the pseudo header stand at `source6` and `destination6` in `b`. */
export function parsePim(
  b: Uint8Array,
  start: number,
  end: number,
  family: Family,
  source6 = 0,
  destination6 = 0,
): PimMessage | BadMessage {
  if (end - start < 4) return 'short';
  if (b[start]! >> 4 !== 2) return 'type';
  if (!sumGood(b, start, end, family, source6, destination6)) return 'checksum';
  const r = new PimReader(b, start + 4, end, family);
  const message = parseBody(r, b[start]! & 15, b[start + 1]!);
  if (message === undefined) return 'type';
  // A Join/Prune leaves addresses of the other family out; no other message may have any.
  return r.short || (r.foreign && message.kind !== 'join-prune') ? 'short' : message;
}

function parseBody(r: PimReader, type: number, flags: number): PimMessage | undefined {
  switch (type) {
    case PIM_TYPE.hello:
      return parseHello(r);
    case PIM_TYPE.register: {
      const word = r.u32();
      const packet = r.b.slice(r.at, r.end);
      return { kind: 'register', border: word >>> 31 === 1, nullRegister: (word & 0x40000000) !== 0, packet };
    }
    case PIM_TYPE.registerStop: {
      const { group } = r.group();
      return { kind: 'register-stop', group, source: r.unicast() };
    }
    case PIM_TYPE.joinPrune:
      return parseJoinPrune(r);
    case PIM_TYPE.bootstrap:
      return parseBootstrap(r, (flags & NO_FORWARD) !== 0);
    case PIM_TYPE.assert: {
      const { group } = r.group();
      const source = r.unicast();
      const preference = r.u32();
      return { kind: 'assert', group, source, rpt: preference >>> 31 === 1, preference: preference & 0x7fffffff, metric: r.u32() };
    }
    case PIM_TYPE.candidateRp: {
      const count = r.u8();
      const priority = r.u8();
      const holdtimeS = r.u16();
      const rp = r.unicast();
      const groups: ReturnType<PimReader['group']>[] = [];
      for (let i = 0; i < count && !r.short; i++) groups.push(r.group());
      return { kind: 'candidate-rp', priority, holdtimeS, rp, groups };
    }
    default:
      return undefined;
  }
}

/** Hold time where the option is absent (RFC 7761 section 4.3.2). */
const DEFAULT_HOLDTIME_S = 105;

function parseHello(r: PimReader): PimHello {
  let holdtimeS = DEFAULT_HOLDTIME_S;
  let lanPruneDelay: PimHello['lanPruneDelay'] = null;
  let drPriority: number | null = null;
  let generationId: number | null = null;
  let translationRouter: number | null = null;
  const addresses: string[] = [];
  while (r.more) {
    const type = r.u16();
    const option = r.sub(r.u16());
    if (type === 1) holdtimeS = option.u16();
    else if (type === 2) {
      const word = option.u16();
      lanPruneDelay = { propagationMs: word & 0x7fff, overrideMs: option.u16(), tracking: (word & 0x8000) !== 0 };
    } else if (type === 19) drPriority = option.u32();
    else if (type === 20) generationId = option.u32();
    else if (type === 24) while (option.more) addresses.push(...[option.unicast()].filter(Boolean));
    else if (type === TRANSLATION_ROUTER_OPTION) translationRouter = option.u32();
    if (option.short) r.short = true;
  }
  return { kind: 'hello', holdtimeS, lanPruneDelay, drPriority, generationId, addresses, translationRouter };
}

const isThere = ({ source }: PimSource): boolean => source !== '';

function parseJoinPrune(r: PimReader): PimJoinPrune {
  const upstream = r.unicast();
  if (r.foreign) r.short = true;
  r.u8();
  const count = r.u8();
  const holdtimeS = r.u16();
  const groups: PimGroupSet[] = [];
  for (let g = 0; g < count && !r.short; g++) {
    const { group, maskLength } = r.group();
    const joinCount = r.u16();
    const pruneCount = r.u16();
    const joins: PimSource[] = [];
    const prunes: PimSource[] = [];
    for (let i = 0; i < joinCount && !r.short; i++) joins.push(r.source());
    for (let i = 0; i < pruneCount && !r.short; i++) prunes.push(r.source());
    if (group !== '') groups.push({ group, maskLength, joins: joins.filter(isThere), prunes: prunes.filter(isThere) });
  }
  return { kind: 'join-prune', upstream, holdtimeS, groups };
}

function parseBootstrap(r: PimReader, noForward: boolean): PimBootstrap {
  const fragmentTag = r.u16();
  const hashMaskLength = r.u8();
  const priority = r.u8();
  const bsr = r.unicast();
  const groups: BootstrapGroup[] = [];
  while (r.more) {
    const { group, maskLength, bidirectional } = r.group();
    const count = r.u8();
    const here = r.u8();
    r.u16();
    const rps: BootstrapRp[] = [];
    for (let i = 0; i < here && !r.short; i++) {
      const address = r.unicast();
      const holdtimeS = r.u16();
      const rpPriority = r.u8();
      r.u8();
      rps.push({ address, holdtimeS, priority: rpPriority });
    }
    groups.push({ group, maskLength, bidirectional, count, rps });
  }
  return { kind: 'bootstrap', noForward, fragmentTag, hashMaskLength, priority, bsr, groups };
}

/** Sets the checksum of a message at [start, end) (RFC 7761 section 4.9); a register's covers its first eight bytes. */
export function sealPim(b: Uint8Array, start: number, end: number, family: Family, source6 = 0, destination6 = 0): void {
  const stop = (b[start]! & 15) === PIM_TYPE.register ? Math.min(end, start + 8) : end;
  putU16(b, start + 2, 0);
  const pseudo = family === 6 ? pseudoSum6(b, source6, destination6, 103, stop - start) : 0;
  putU16(b, start + 2, checksum(b, start, stop, pseudo));
}
