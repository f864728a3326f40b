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
 * host candidates stay, because a converter has no others. Parity of ports is kept: the target's port is even and stands for RTP. All
 * other lines stay as they are; `m=` lines with port 0 are refused media and stay so.
 */
export function rewriteSdp(text: string, target: MediaTarget): string {
  const type = target.family === 4 ? 'IP4' : 'IP6';
  const out: string[] = [];
  for (const line of text.split(/\r\n|\n/)) {
    if (line.startsWith('c=IN ')) out.push(`c=IN ${type} ${target.address}`);
    else if (line.startsWith('o=')) out.push(line.replace(/ IN IP[46] \S+$/, ` IN ${type} ${target.address}`));
    else if (line.startsWith('m=')) out.push(line.replace(/^(m=\S+) ([1-9]\d*)/, `$1 ${String(target.port)}`));
    else if (line.startsWith('a=rtcp:')) out.push(`a=rtcp:${String(target.port + 1)} IN ${type} ${target.address}`);
    else if (line.startsWith('a=candidate:')) {
      const candidate = rewriteCandidate(line, target);
      if (candidate !== undefined) out.push(candidate);
    } else out.push(line);
  }
  return out.join('\r\n');
}

const CANDIDATE = /^(a=candidate:\S+ )([12])( \S+ \d+ )\S+ \d+( typ host.*)$/;

function rewriteCandidate(line: string, target: MediaTarget): string | undefined {
  const parts = CANDIDATE.exec(line);
  if (parts === null) return undefined;
  const port = parts[2] === '1' ? target.port : target.port + 1;
  return `${parts[1]!}${parts[2]!}${parts[3]!}${target.address} ${String(port)}${parts[4]!}`;
}

/** Who talks to whom in a SIP message. Addresses are those of the family the message travels in. */
export interface SipParties {
  readonly method: string;
  /** 0 for a request. */
  readonly status: number;
  readonly reason: string;
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  /** Of the sender, as its Via and Contact say. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly body: string;
}

const host = (address: string, family: 4 | 6): string => (family === 6 ? `[${address}]` : address);

/** A SIP message (RFC 3261) as bytes. */
export function sipMessage(parties: SipParties): Uint8Array {
  const { method, status, reason, callId, from, to, sequence, address, family, body } = parties;
  const at = host(address, family);
  const start = status === 0 ? `${method} sip:${to}@example.net SIP/2.0` : `SIP/2.0 ${String(status)} ${reason}`;
  const headers: [string, string][] = [
    ['Via', `SIP/2.0/UDP ${at}:5060;branch=z9hG4bK${callId}.${String(sequence)}`],
    ['Max-Forwards', '70'],
    ['From', `<sip:${from}@example.net>;tag=${callId}f`],
    ['To', `<sip:${to}@example.net>${status === 0 && sequence === 1 ? '' : `;tag=${callId}t`}`],
    ['Call-ID', `${callId}@example.net`],
    ['CSeq', `${String(sequence)} ${method}`],
    ['Contact', `<sip:${status === 0 ? from : to}@${at}:5060>`],
    ...(body === '' ? [] : ([['Content-Type', 'application/sdp']] as [string, string][])),
  ];
  return buildSip(start, headers, body);
}

/** What a switch changes where it hands a message on in the other family: the first Via, Contact, the description, and its length. */
export function rewriteSip(message: string, own: { readonly address: string; readonly family: 4 | 6 }, target: MediaTarget | null): string {
  const split = message.indexOf('\r\n\r\n');
  const head = split < 0 ? message : message.slice(0, split);
  const body = split < 0 ? '' : message.slice(split + 4);
  const newBody = body === '' || target === null ? body : rewriteSdp(body, target);
  const at = host(own.address, own.family);
  const length = new TextEncoder().encode(newBody).length;
  let vias = 0;
  const lines = head.split('\r\n').map((line) => {
    if (/^Via:/i.test(line) && vias++ === 0) return line.replace(/(SIP\/2\.0\/\w+ )(\[[^\]]*\]|[^:;]+)/i, `$1${at}`);
    if (/^Contact:/i.test(line)) return line.replace(/@(\[[^\]]*\]|[^:;>]+)/, `@${at}`);
    if (/^Content-Length:/i.test(line)) return `Content-Length: ${String(length)}`;
    return line;
  });
  return `${lines.join('\r\n')}\r\n\r\n${newBody}`;
}
