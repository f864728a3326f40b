import { NS_PER_MS, putU32, type Random } from '../../base/index.ts';
import { reversed, tcpFrame, type Ends } from './frames.ts';
import {
  CHANGE_CIPHER_SPEC,
  applicationData,
  clientHello,
  concat,
  httpRequest,
  httpResponse,
  randomBytes,
  serverHello,
} from './payloads.ts';
import type { TimedFrame } from './stream.ts';

/** What one side says in one go. The other side answers after it has all of it. */
export interface Turn {
  readonly from: 'client' | 'server';
  readonly bytes: Uint8Array;
}

export function turnsOf(application: 'tls' | 'http' | 'bulk', name: string, responseBytes: number, random: Random): Turn[] {
  switch (application) {
    case 'http':
      return [
        { from: 'client', bytes: httpRequest(name, `/item/${String(random.int(1, 9_999))}`) },
        { from: 'server', bytes: httpResponse(responseBytes) },
      ];
    case 'tls':
      return [
        { from: 'client', bytes: clientHello(name, random) },
        { from: 'server', bytes: concat(serverHello(random), CHANGE_CIPHER_SPEC, applicationData(random.int(2_400, 3_600), random)) },
        { from: 'client', bytes: concat(CHANGE_CIPHER_SPEC, applicationData(53, random), applicationData(random.int(90, 400), random)) },
        { from: 'server', bytes: applicationData(responseBytes, random) },
      ];
    case 'bulk':
      return [
        { from: 'client', bytes: randomBytes(64, random) },
        { from: 'server', bytes: randomBytes(responseBytes, random) },
      ];
  }
}

/** A segment of the script, independent of addresses: NAT64 draws the same one on two sides. */
export interface ScriptSegment {
  readonly tNs: number;
  readonly fromClient: boolean;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
  readonly from: number;
  readonly to: number;
}

export interface ScriptParameters {
  readonly startNs: number;
  readonly rttNs: number;
  readonly mss: number;
  readonly turns: readonly Turn[];
  readonly reset: boolean;
}

const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
const NOTHING = new Uint8Array(0);
/** Segments of the first round trip (RFC 6928), doubled each round trip until this many are in flight. */
const INITIAL_WINDOW = 10;
const MAX_IN_FLIGHT = 64;
/** Serialisation of a full segment at about 1 Gb/s. */
const SEGMENT_GAP_NS = 12_000;
const WINDOW_SCALE = 7;

interface Side {
  sequence: number;
  /** Next byte expected from the other side. */
  expected: number;
  /** Last timestamp seen from the other side. */
  echo: number;
  readonly clockBase: number;
}

/** Writes a conversation as its client's network would see it: the server is one round trip away. */
class Script {
  readonly segments: ScriptSegment[] = [];
  private readonly client: Side;
  private readonly server: Side;
  private readonly p: ScriptParameters;

  constructor(p: ScriptParameters, random: Random) {
    this.p = p;
    this.client = { sequence: random.u32(), expected: 0, echo: 0, clockBase: random.u32() };
    this.server = { sequence: random.u32(), expected: 0, echo: 0, clockBase: random.u32() };
  }

  private timestamps(side: Side, tNs: number): [number, number] {
    return [(side.clockBase + Math.floor(tNs / NS_PER_MS)) >>> 0, side.echo];
  }

  send(tNs: number, fromClient: boolean, flags: number, payload: Uint8Array, from: number, to: number): void {
    const side = fromClient ? this.client : this.server;
    const peer = fromClient ? this.server : this.client;
    const [value, echo] = this.timestamps(side, tNs);
    const syn = (flags & FLAG.syn) !== 0;
    const options = new Uint8Array(syn ? 20 : 12);
    if (syn) options.set([2, 4, this.p.mss >>> 8, this.p.mss & 255, 4, 2, 8, 10], 0);
    else options.set([1, 1, 8, 10], 0);
    putU32(options, syn ? 8 : 4, value);
    putU32(options, syn ? 12 : 8, echo);
    if (syn) options.set([1, 3, 3, WINDOW_SCALE], 16);
    const acknowledgment = (flags & FLAG.ack) !== 0 ? side.expected : 0;
    const window = syn ? 64_240 : 502;
    this.segments.push({ tNs, fromClient, sequence: side.sequence, acknowledgment, flags, window, options, payload, from, to });
    const consumed = to - from + (syn || (flags & FLAG.fin) !== 0 ? 1 : 0);
    side.sequence = (side.sequence + consumed) >>> 0;
    peer.expected = side.sequence;
    peer.echo = value;
  }

  /** One turn, from `tNs` on. Returns the time at which the capture point has seen its end. */
  turn(turn: Turn, tNs: number): number {
    const fromClient = turn.from === 'client';
    const { mss, rttNs } = this.p;
    const size = mss - 12;
    let t = tNs;
    let window = INITIAL_WINDOW;
    let sent = 0;
    for (let from = 0; from < turn.bytes.length; from += size) {
      const to = Math.min(turn.bytes.length, from + size);
      const last = to === turn.bytes.length;
      this.send(t, fromClient, FLAG.ack | (last ? FLAG.psh : 0), turn.bytes, from, to);
      sent++;
      const ackDue = sent % 2 === 0 || last;
      // The client's acknowledgment leaves at once; the server's has a round trip to come from.
      if (ackDue && !fromClient) this.send(t + SEGMENT_GAP_NS / 2, true, FLAG.ack, NOTHING, 0, 0);
      t += SEGMENT_GAP_NS;
      if (sent === window && !last) {
        t += rttNs;
        sent = 0;
        window = Math.min(MAX_IN_FLIGHT, window * 2);
        if (fromClient) this.send(t - SEGMENT_GAP_NS / 2, false, FLAG.ack, NOTHING, 0, 0);
      }
    }
    if (!fromClient) return t;
    this.send(t + rttNs, false, FLAG.ack, NOTHING, 0, 0);
    return t + rttNs + SEGMENT_GAP_NS;
  }
}

/** Handshake, turns, close. In order of time; sequence and acknowledgment numbers are right at every point. */
export function tcpScript(p: ScriptParameters, random: Random): ScriptSegment[] {
  const script = new Script(p, random);
  const bare = (t: number, fromClient: boolean, flags: number) => {
    script.send(t, fromClient, flags, NOTHING, 0, 0);
  };
  let t = p.startNs;
  bare(t, true, FLAG.syn);
  t += p.rttNs;
  bare(t, false, FLAG.syn | FLAG.ack);
  t += 40_000;
  bare(t, true, FLAG.ack);
  t += 60_000;
  for (const turn of p.turns) t = script.turn(turn, t) + random.int(20_000, 900_000);
  if (p.reset) {
    bare(t, true, FLAG.rst | FLAG.ack);
    return script.segments;
  }
  bare(t, true, FLAG.fin | FLAG.ack);
  t += p.rttNs;
  bare(t, false, FLAG.fin | FLAG.ack);
  bare(t + 30_000, true, FLAG.ack);
  return script.segments;
}

/** The script as frames between two ends. `ends` is the client's direction. */
export function tcpFrames(
  script: readonly ScriptSegment[],
  ends: Ends,
  ports: readonly [number, number],
  iface: number,
  delayNs: (fromClient: boolean) => number,
): TimedFrame[] {
  const back = reversed(ends);
  return script.map((s, i) => {
    const [sourcePort, destinationPort] = s.fromClient ? ports : [ports[1], ports[0]];
    const segment = { ...s, sourcePort, destinationPort };
    const identification = (ports[0] + i * (s.fromClient ? 1 : 3)) & 0xffff;
    const bytes = tcpFrame(s.fromClient ? ends : back, segment, s.payload, s.from, s.to, identification);
    return { tNs: s.tNs + delayNs(s.fromClient), bytes, iface };
  });
}
