import { buildSip } from '../../wire/index.ts';

/** Where media is to be sent: RTP at an even port, RTCP one above. */
export interface MediaTarget {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
}

/** SDP of one audio stream (RFC 8866), with a host candidate for each component (RFC 8839). */
export function buildSdp(target: MediaTarget, sessionId: number, version: number): string {
  const type = target.family === 4 ? 'IP4' : 'IP6';
  const { address, port } = target;
  const lines = [
    'v=0',
    `o=- ${String(sessionId)} ${String(version)} IN ${type} ${address}`,
    's=call',
    `c=IN ${type} ${address}`,
    't=0 0',
    `m=audio ${String(port)} RTP/AVP 0`,
    'a=rtpmap:0 PCMU/8000',
    'a=ptime:20',
    `a=candidate:1 1 UDP 2130706431 ${address} ${String(port)} typ host`,
    `a=candidate:1 2 UDP 2130706430 ${address} ${String(port + 1)} typ host`,
    'a=sendrecv',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/**
 * Points the media of a session description at the converter (T-09): connection lines, the media port, RTCP, and candidates, of which only
 * host candidates over UDP stay, one for each component, because a converter has no others. Parity of ports is kept: the target's port is
 * even and stands for RTP. A session has one pair of ports at its converter: media beyond the first that runs over UDP are refused with port 0
 * (RFC 3264 section 5.1). All other lines stay as they are.
 */
export function rewriteSdp(text: string, target: MediaTarget): string {
  const lines = text.split(/\r\n|\n/);
  const converted = lines.findIndex((line) => ACTIVE_MEDIA.test(line));
  const out: string[] = [];
  /** Line of the `m=` that the present one is under; -1 before the first. */
  let media = -1;
  const components = new Set<string>();
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('m=')) media = i;
    const under = media === -1 || media === converted;
    const changed =
      line.startsWith('a=candidate:') && under ? rewriteCandidate(line, target, components) : rewriteLine(line, target, under);
    if (changed !== undefined) out.push(changed);
  }
  return out.join('\r\n');
}

/** Media over UDP that is not refused; the number of ports behind a slash is left out when it is rewritten. */
const ACTIVE_MEDIA = /^m=\S+ [1-9]\d*(\/\d+)? (RTP\/|UDP|udptl)/i;

/** A line for the converter; undefined for one that has no place there. `converted`: it is of the session, or of the media that is converted. */
function rewriteLine(line: string, { family, address, port }: MediaTarget, converted: boolean): string | undefined {
  const at = `IN IP${String(family)} ${address}`;
  if (line.startsWith('c=IN ')) return `c=${at}`;
  if (line.startsWith('o=')) return line.replace(/ IN IP[46] \S+$/, ` ${at}`);
  if (line.startsWith('m=')) return line.replace(/^(m=\S+) \d+(\/\d+)?/, `$1 ${String(converted && !/^m=\S+ 0\b/.test(line) ? port : 0)}`);
  if (line.startsWith('a=rtcp:')) return converted ? `a=rtcp:${String(port + 1)} ${at}` : undefined;
  if (line.startsWith('a=candidate:') || line.startsWith('a=remote-candidates:')) return undefined;
  return line;
}

const CANDIDATE = /^(a=candidate:\S+ )([12])( UDP \d+ )\S+ \d+( typ host.*)$/i;

function rewriteCandidate(line: string, { address, port }: MediaTarget, components: Set<string>): string | undefined {
  const parts = CANDIDATE.exec(line);
  if (parts === null || components.has(parts[2]!)) return undefined;
  components.add(parts[2]!);
  return `${parts[1]!}${parts[2]!}${parts[3]!}${address} ${String(parts[2] === '1' ? port : port + 1)}${parts[4]!}`;
}

/** An address as it stands in a SIP message. */
export interface SipHost {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Who talks to whom in a SIP message. */
export interface SipParties {
  readonly method: string;
  /** 0 for a request. */
  readonly status: number;
  readonly reason: string;
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  /** Tags of both ends (RFC 3261 section 19.3); the second one is empty before the callee has answered. */
  readonly tags: readonly [string, string];
  readonly sequence: number;
  /** Who sent the request: an answer goes back there. */
  readonly via: SipHost;
  /** Where the sender of this message wants to be reached; null where it does not say. */
  readonly contact: SipHost | null;
  readonly body: string;
}

const host = ({ address, family }: SipHost): string => (family === 6 ? `[${address}]` : address);

/** A SIP message (RFC 3261) as bytes. */
export function sipMessage(parties: SipParties): Uint8Array {
  const { method, status, reason, callId, from, to, tags, sequence, via, contact, body } = parties;
  const start = status === 0 ? `${method} sip:${to}@example.net SIP/2.0` : `SIP/2.0 ${String(status)} ${reason}`;
  const headers: [string, string][] = [
    ['Via', `SIP/2.0/UDP ${host(via)}:5060;branch=z9hG4bK${callId}.${String(sequence)}${method}`],
    ...(status === 0 ? ([['Max-Forwards', '70']] as [string, string][]) : []),
    ['From', `<sip:${from}@example.net>;tag=${tags[0]}`],
    ['To', `<sip:${to}@example.net>${tags[1] === '' ? '' : `;tag=${tags[1]}`}`],
    ['Call-ID', `${callId}@example.net`],
    ['CSeq', `${String(sequence)} ${method}`],
    ...(contact === null ? [] : ([['Contact', `<sip:${status === 0 ? from : to}@${host(contact)}:5060>`]] as [string, string][])),
    ...(body === '' ? [] : ([['Content-Type', 'application/sdp']] as [string, string][])),
  ];
  return buildSip(start, headers, body);
}

/**
 * What a switch changes where it hands a message on in the other family: the first Via, Contact, the description, and its length. Headers in
 * their short form too (RFC 3261 section 7.3.3). `via` is the switch for a request, and for an answer whoever sent the request.
 */
export function rewriteSip(message: string, via: SipHost, contact: SipHost, target: MediaTarget | null): string {
  const split = message.indexOf('\r\n\r\n');
  const head = split < 0 ? message : message.slice(0, split);
  const body = split < 0 ? '' : message.slice(split + 4);
  const newBody = body === '' || target === null ? body : rewriteSdp(body, target);
  const length = new TextEncoder().encode(newBody).length;
  let vias = 0;
  const lines = head.split('\r\n').map((line) => {
    if (/^(Via|v)\s*:/i.test(line) && vias++ === 0) return line.replace(/(SIP\/2\.0\/\w+ )(\[[^\]]*\]|[^:;]+)/i, `$1${host(via)}`);
    if (/^(Contact|m)\s*:/i.test(line)) return line.replace(/@(\[[^\]]*\]|[^:;>]+)/, `@${host(contact)}`);
    const size = /^((?:Content-Length|l)\s*:\s*)\d+/i.exec(line);
    return size === null ? line : `${size[1]!}${String(length)}`;
  });
  return `${lines.join('\r\n')}\r\n\r\n${newBody}`;
}
