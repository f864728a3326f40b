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
  if (release !== undefined) cards.push(releaseCard(release, at));
  const append = find('append', 'socket');
  if (append !== undefined) cards.push(socketCard(append, find('read', 'socket'), taken === undefined, at));
  return cards;
}

const n = (fields: Fields, name: string): number => Number(fields[name] ?? 0);
const whole = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

function ringCard({ event, fields: f }: TraceRecord, at: string): ExplainCard {
  const lines: Line[] = [
    {
      label: 'Ring',
      value: `${whole(n(f, 'used'))} of ${whole(n(f, 'slots'))} slots in use, ${whole(n(f, 'ringBytes'))} bytes`,
      because: `sized for ${String(f['network'])}, driven by ${String(f['drivenBy'])}: ${String(f['sizeRule'])}`,
      parameter: f['drivenBy'] === 'fixedSlots' ? `${at}.meter.fixedSlots` : 'device.network.profile',
    },
    { label: 'Socket', value: String(f['socket']), parameter: `${at}.sockets.by` },
  ];
  if (event === 'wait') {
    lines.push({
      label: 'Waits in the pool',
      value: `${whole(n(f, 'waiting'))} packets in the line`,
      because: 'the ring was full, and the policy is hold_in_pool: the packet stays in the device pool until a slot is free',
      parameter: `${at}.meter.overflow`,
    });
  }
  return { title: 'Meter ring', tone: event === 'wait' ? 'held' : 'neutral', lines };
}

function releaseCard({ fields: f }: TraceRecord, at: string): ExplainCard {
  const rule = String(f['rule']);
  const flushed = rule !== 'portion';
  const mbps = (value: number): string => `${(value / 1e6).toFixed(1)} Mb/s`;
  const lines: Line[] = [
    {
      label: 'Released by',
      value: flushed ? 'the bound on added delay' : 'the interval',
      because: flushed
        ? 'it had waited for maxAddedDelayMs, so neither portion nor tokens counted'
        : `every interval a socket gets min(free in its buffer, portion cap, bytes in the ring, tokens): ${whole(n(f, 'socketFreeBytes'))}, ${whole(n(f, 'portionCapBytes'))}, what there was, ${whole(n(f, 'tokensBytes'))} left after it`,
      parameter: flushed ? `${at}.meter.maxAddedDelayMs` : `${at}.meter.portionCapBytes`,
    },
    { label: 'Waited', value: ms(n(f, 'waitedNs')), because: 'in the meter ring', parameter: `${at}.meter.intervalUs` },
  ];
  if (n(f, 'poolWaitNs') > 0)
    lines.push({ label: 'Before that', value: ms(n(f, 'poolWaitNs')), because: 'in the device pool: the ring was full' });
  lines.push(
    { label: 'Portion so far', value: `${whole(n(f, 'portionBytes'))} bytes`, parameter: `${at}.meter.portionCapBytes` },
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
