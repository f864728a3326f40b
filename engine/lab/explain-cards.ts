import type { ExplainCard, Scenario, TraceRecord } from '../contract/index.ts';
import { DROP_REASONS, selectorText } from '../stack/index.ts';
import { meterCards } from './metering/meter-cards.ts';
import { META_FLOW, ROW_META, rowEnds } from '../wire/index.ts';

type Line = ExplainCard['lines'][number];

/** Cards that say in words what the steps of a packet's path came from (W-09). */
export function explainCards(scenario: Scenario, path: readonly TraceRecord[], row: Int32Array, queue: number): ExplainCard[] {
  const find = (event: string, layer?: string): TraceRecord | undefined =>
    path.find((step) => step.event === event && (layer === undefined || step.layer === layer));
  const arrival = path[0];
  const lookup = find('lookup') ?? find('send');
  const port = scenario.ports.findIndex((p) => p.id === lookup?.fields['port']);
  const cards = [queueCard(scenario, row, queue)];
  if (arrival?.event === 'enqueue') cards.push(deviceCard(arrival, find('poll')));
  if (lookup !== undefined) cards.push(portCard(scenario, lookup, port));
  const ring = path.find((step) => step.event === 'enqueue' && step.layer === 'channel');
  if (ring !== undefined && port >= 0) cards.push(ringCard(ring, find('read-start'), port));
  if (port >= 0) cards.push(...meterCards(path, port));
  const queued = find('enqueue', 'aqm');
  if (queued !== undefined) cards.push(classQueueCard(queued, find('dequeue', 'aqm')));
  const drop = find('drop');
  if (drop !== undefined) cards.push(dropCard(drop, port));
  const end = path.find((step) => step.event === 'read' || step.event === 'transmit');
  if (end !== undefined && arrival !== undefined) cards.push(delayCard(path, arrival, end, port));
  if (end === undefined && drop === undefined) cards.push(heldCard(path));
  return cards;
}

function queueCard(scenario: Scenario, row: Int32Array, queue: number): ExplainCard {
  const queues = scenario.device.queues;
  const ends = rowEnds(row, 0);
  const flow = (row[ROW_META]! & META_FLOW) !== 0;
  const lines: Line[] = flow
    ? [
        { label: 'Flow', value: `${ends.source}:${String(ends.sourcePort)} to ${ends.destination}:${String(ends.destinationPort)}` },
        {
          label: 'Queue',
          value: `${String(queue)} of ${String(queues)}`,
          because: 'symmetric hash of addresses, ports and protocol: both directions of a conversation meet in one queue',
          parameter: 'device.queues',
        },
      ]
    : [
        {
          label: 'Queue',
          value: `0 of ${String(queues)}`,
          because: 'not IP, or an IP header that is not whole: such packets have no flow and use queue 0',
          parameter: 'device.queues',
        },
      ];
  return { title: 'Device queue', tone: 'neutral', lines };
}

function deviceCard(arrival: TraceRecord, poll: TraceRecord | undefined): ExplainCard {
  const f = arrival.fields;
  const lines: Line[] = [
    { label: 'Buflets', value: `${text(f['buflets'])} for ${text(f['lenBytes'])} bytes`, parameter: 'device.bufferBytes' },
    {
      label: 'Ring',
      value: `slot ${text(f['slot'])}, then ${text(f['used'])} of ${text(f['slots'])} in use`,
      parameter: 'device.rxRingSlots',
    },
  ];
  if (poll !== undefined) {
    lines.push({
      label: 'Waited for the poll',
      value: ns(poll.tNs - arrival.tNs),
      because: 'from the first packet in an empty ring to the poll, or until the polls before it had ended',
      parameter: 'device.moderationUs',
    });
    lines.push({
      label: 'Poll',
      value: `place ${String(Number(poll.fields['position']) + 1)} of ${text(poll.fields['batch'])}, ${ns(Number(poll.fields['endNs']) - poll.tNs)}`,
      because: 'a batch costs perBatchNs and perPacketNs for each packet, and its packets leave together at its end',
      parameter: 'flowSwitch.batch',
    });
  }
  return { title: 'Device RX ring', tone: 'neutral', lines };
}

function portCard(scenario: Scenario, lookup: TraceRecord, port: number): ExplainCard {
  const f = lookup.fields;
  const lines: Line[] = [
    { label: 'Port', value: text(f['port']) },
    { label: 'Lookup', value: text(f['result']) },
  ];
  if (f['mask'] !== undefined)
    lines.push({ label: 'Mask', value: text(f['mask']), because: 'the first of the seven masks with a flow that fits' });
  const selector = Number(f['selector'] ?? 0);
  if (f['selector'] === undefined) return { title: 'Flow switch', tone: 'neutral', lines };
  if (selector > 0 && port >= 0) {
    lines.push({
      label: 'Selected by',
      value: selectorText(scenario.ports[port]!.select[selector - 1]!),
      because: 'ports are asked in the order they stand; the first selector that fits decides for the flow',
      parameter: `ports.${String(port)}.select.${String(selector - 1)}`,
    });
  } else if (selector === 0)
    lines.push({ label: 'Selected by', value: 'nobody', because: 'what no port selects goes to the host stack', parameter: 'ports' });
  else lines.push({ label: 'Selected by', value: 'a flow or listener that a stack installed' });
  return { title: 'Flow switch', tone: 'neutral', lines };
}

function ringCard(ring: TraceRecord, read: TraceRecord | undefined, port: number): ExplainCard {
  const at = `ports.${String(port)}`;
  const f = ring.fields;
  const sending = ring.obj.includes('.tx.');
  const lines: Line[] = [
    {
      label: 'Ring',
      value: `slot ${text(f['slot'])}, then ${text(f['used'])} of ${text(f['slots'])} in use`,
      parameter: `${at}.${sending ? 'txRingSlots' : 'rxRingSlots'}`,
    },
    { label: 'Pool', value: `${text(f['poolUsed'])} buflets in use`, parameter: `${at}.poolPackets` },
  ];
  if (f['notified'] === true && !sending) {
    lines.push({ label: 'Notified the reader', value: 'yes', because: 'the ring was empty', parameter: `${at}.reader.wakeUs` });
  }
  if (read !== undefined) {
    lines.push({
      label: 'Waited for the reader',
      value: ns(read.tNs - ring.tNs),
      because: 'wake-up, reads that were going on, and stalls',
      parameter: `${at}.reader.batch`,
    });
  }
  return { title: `Port ring ${ring.obj}`, tone: 'neutral', lines };
}

/** What the class queue did with a packet that was sent. */
function classQueueCard(queued: TraceRecord, left: TraceRecord | undefined): ExplainCard {
  const f = queued.fields;
  const lines: Line[] = [
    {
      label: 'Service class',
      value: `${text(f['service'])}, queue ${queued.obj.replace('classq.', '')}`,
      because: 'the DSCP of the IP header; a code point without a class of its own is best effort',
    },
    {
      label: 'Flow queue',
      value: `bucket ${text(f['bucket'])}, then ${text(f['bucketBytes'])} bytes in it`,
      because: 'flows are spread over sub-queues by hash and served by deficit round robin (RFC 8290)',
      parameter: 'stack.aqm.flows',
    },
  ];
  if (left !== undefined) {
    lines.push({
      label: 'Waited there',
      value: ns(Number(left.fields['sojournNs'])),
      because: left.fields['marked'] === true ? 'longer than the target for an interval: marked CE (RFC 8289)' : 'until its turn came',
      parameter: 'stack.aqm.targetMs',
    });
  }
  return { title: 'Class queue', tone: 'neutral', lines };
}

function dropCard(drop: TraceRecord, port: number): ExplainCard {
  const reason = DROP_REASONS.find((r) => r.name === drop.fields['reason']);
  const parameter = (reason?.parameter ?? '').replace('ports.N', `ports.${String(port)}`);
  return {
    title: `Dropped: ${text(drop.fields['reason'])}`,
    tone: 'dropped',
    lines: [
      { label: 'Where', value: drop.obj },
      { label: 'Why', value: reason?.text ?? '', ...(parameter === '' ? {} : { parameter }) },
    ],
  };
}

/** Where the time went, from the device to the end. */
function delayCard(path: readonly TraceRecord[], arrival: TraceRecord, end: TraceRecord, port: number): ExplainCard {
  const lines: Line[] = [{ label: 'In all', value: ns(end.tNs - arrival.tNs), because: 'from the device to the end' }];
  let before = arrival;
  for (const step of path) {
    if (step === arrival || step.tNs === before.tNs) {
      before = step;
      continue;
    }
    lines.push({ label: `${before.event} to ${step.event}`, value: ns(step.tNs - before.tNs) });
    before = step;
  }
  if (end.event === 'read' && end.layer !== 'socket')
    lines.push({ label: 'Reading', value: ns(Number(end.fields['readNs'])), parameter: `ports.${String(port)}.reader.perPacketNs` });
  return { title: end.event === 'read' ? 'Delivered' : 'Sent on the link', tone: 'good', lines };
}

function heldCard(path: readonly TraceRecord[]): ExplainCard {
  const last = path.at(-1);
  return {
    title: 'Held',
    tone: 'held',
    lines: [{ label: 'Last seen', value: last === undefined ? 'not yet' : `${last.obj}, ${last.event}` }],
  };
}

function text(value: string | number | boolean | undefined): string {
  return value === undefined ? '' : String(value);
}

/** `152.85 us`: a time span with a unit a person can read. */
function ns(value: number): string {
  if (value < 1_000) return `${String(value)} ns`;
  if (value < 1_000_000) return `${trim(value / 1_000)} us`;
  return value < 1_000_000_000 ? `${trim(value / 1_000_000)} ms` : `${trim(value / 1_000_000_000)} s`;
}

function trim(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}
