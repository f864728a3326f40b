import type { ExplainCard, TraceRecord } from '../../contract/index.ts';

type Line = ExplainCard['lines'][number];
type Fields = TraceRecord['fields'];

/** Cards of the meter and the socket (W-09): the ring with the rule of its size, the release with its rule, the receive buffer. */
export function meterCards(path: readonly TraceRecord[], port: number): ExplainCard[] {
  const find = (event: string, layer: string): TraceRecord | undefined => path.find((step) => step.event === event && step.layer === layer);
  const cards: ExplainCard[] = [];
  const taken = find('enqueue', 'meter') ?? find('wait', 'meter');
  const at = `ports.${String(port)}`;
  if (taken !== undefined) cards.push(ringCard(taken, at));
  const release = find('release', 'meter');
  if (release !== undefined) cards.push(releaseCard(release, taken?.fields['stalled'] === true, at));
  const append = find('append', 'socket');
  if (append !== undefined) cards.push(socketCard(append, find('read', 'socket'), taken === undefined, at));
  const full = path.find((step) => step.event === 'full');
  if (full !== undefined) cards.push(full.layer === 'meter' ? fullRingCard(full, at) : fullSocketCard(full, at));
  return cards;
}

const n = (fields: Fields, name: string): number => Number(fields[name] ?? 0);
const whole = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
const mbps = (value: number): string => `${(value / 1e6).toFixed(1)} Mb/s`;

function sizeLine(f: Fields, at: string): Line {
  const fixed = f['drivenBy'] === 'fixedSlots';
  return {
    label: 'Ring',
    value: `${whole(n(f, 'used'))} of ${whole(n(f, 'slots'))} slots in use, ${whole(n(f, 'ringBytes'))} bytes`,
    because: fixed
      ? `${String(f['sizeRule'])} by the scenario`
      : `sized for ${String(f['network'])}, driven by ${String(f['drivenBy'])}: ${String(f['sizeRule'])}`,
    parameter: fixed ? `${at}.meter.fixedSlots` : 'device.network.profile',
  };
}

function ringCard({ event, fields: f }: TraceRecord, at: string): ExplainCard {
  const lines: Line[] = [sizeLine(f, at), { label: 'Socket', value: String(f['socket']), parameter: `${at}.sockets.by` }];
  if (event === 'wait') {
    lines.push({
      label: 'Waits in the pool',
      value: `${whole(n(f, 'waiting'))} packets in the line`,
      because: 'the ring was full, and the policy is hold_in_pool: the packet stays in the device pool until a slot is free',
      parameter: `${at}.meter.overflow`,
    });
  } else if (n(f, 'rateBps') > 0) {
    lines.push({
      label: 'Backlog',
      value: `${ms((n(f, 'ringBytes') * 8e9) / n(f, 'rateBps'))} to drain`,
      because: `what is in the ring, this packet too, at ${mbps(n(f, 'rateBps'))}`,
      parameter: `${at}.meter.drain`,
    });
  }
  return { title: 'Meter ring', tone: event === 'wait' ? 'held' : 'neutral', lines };
}

/** What a ring without room did: the packet came and was dropped, or it was the oldest and made way. */
function fullRingCard({ fields: f }: TraceRecord, at: string): ExplainCard {
  const head = f['overflow'] === 'head_drop';
  const policy: Line = {
    label: 'Full ring',
    value: String(f['overflow']),
    because: head
      ? 'the oldest makes way for what comes'
      : 'what comes is dropped; head_drop takes the oldest, hold_in_pool leaves it in the device pool',
    parameter: `${at}.meter.overflow`,
  };
  return { title: 'Meter ring', tone: 'dropped', lines: [sizeLine(f, at), policy] };
}

function fullSocketCard({ obj, fields: f }: TraceRecord, at: string): ExplainCard {
  const line: Line = {
    label: 'Receive buffer',
    value: `${whole(n(f, 'fillBytes'))} of ${whole(n(f, 'rcvbufBytes'))} bytes`,
    because: `no room for ${whole(n(f, 'lenBytes'))} bytes; the meter is off: with it they would have waited in the ring`,
    parameter: `${at}.sockets.rcvbufBytes`,
  };
  return { title: `Socket ${obj}`, tone: 'dropped', lines: [line] };
}

function releaseCard({ fields: f }: TraceRecord, stalledBefore: boolean, at: string): ExplainCard {
  const flushed = String(f['rule']) !== 'portion';
  const left = n(f, 'tokensBytes');
  const lines: Line[] = [
    {
      label: 'Released by',
      value: flushed ? 'the bound on added delay' : `the interval of ${ms(n(f, 'intervalNs'))}`,
      because: flushed
        ? 'it had waited for maxAddedDelayMs, so neither portion nor tokens counted'
        : `a portion is the least of room in the socket (${whole(n(f, 'socketFreeBytes'))}), portion cap (${whole(n(f, 'portionCapBytes'))}), bytes in the ring, and tokens; packets are whole`,
      parameter: flushed ? `${at}.meter.maxAddedDelayMs` : `${at}.meter.portionCapBytes`,
    },
    { label: 'Waited', value: ms(n(f, 'waitedNs')), because: 'in the meter ring', parameter: `${at}.meter.intervalUs` },
  ];
  if (n(f, 'poolWaitNs') > 0)
    lines.push({ label: 'Before that', value: ms(n(f, 'poolWaitNs')), because: 'in the device pool: the ring was full' });
  const stalledNs = Number(f['stalledSinceNs'] ?? -1);
  if (stalledBefore || stalledNs >= 0) {
    lines.push({
      label: 'Held by the socket',
      value: stalledNs >= 0 ? `from ${(stalledNs / 1e9).toFixed(6)} s on` : 'when it came',
      because: 'the receive buffer had no room for the next packet, which is held and not dropped',
      parameter: `${at}.sockets.rcvbufBytes`,
    });
  }
  lines.push(
    { label: 'Portion so far', value: `${whole(n(f, 'portionBytes'))} bytes`, parameter: `${at}.meter.portionCapBytes` },
    {
      label: 'Tokens left',
      value: `${whole(left)} bytes`,
      because: left > 0 ? 'more may follow in this release' : 'used up: this packet was the last of the release, and may overdraw',
      parameter: `${at}.meter.rateMaxBps`,
    },
    {
      label: 'Drain rate',
      value: mbps(n(f, 'rateBps')),
      because: `bytes in the ring / ${ms(n(f, 'targetNs'))}, between the slowest and the fastest rate; channel quality ${n(f, 'quality').toFixed(2)}`,
      parameter: `${at}.meter.drain`,
    },
  );
  return { title: 'Meter release', tone: 'neutral', lines };
}

function socketCard(append: TraceRecord, read: TraceRecord | undefined, bypass: boolean, at: string): ExplainCard {
  const f = append.fields;
  const lines: Line[] = [
    {
      label: 'Receive buffer',
      value: `${whole(n(f, 'fillBytes'))} of ${whole(n(f, 'rcvbufBytes'))} bytes`,
      ...(bypass ? { because: 'the meter is off: the switch hands packets straight over' } : {}),
      parameter: `${at}.sockets.rcvbufBytes`,
    },
  ];
  if (read !== undefined) {
    lines.push({
      label: 'Waited for the application',
      value: ms(n(read.fields, 'readNs')),
      because: 'what was in the buffer before it is read first',
      parameter: `${at}.sockets.readerBps`,
    });
  }
  return { title: `Socket ${append.obj}`, tone: 'neutral', lines };
}

function ms(ns: number): string {
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} us` : `${(ns / 1e6).toFixed(3)} ms`;
}
