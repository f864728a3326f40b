import type { DissectContext } from '../registry.ts';
import { displayText } from './text.ts';
import { MAX_HEADERS, lineAt } from './text-lines.ts';
import type { Line } from './text-lines.ts';

/** SDP line types (RFC 8866 section 5): Wireshark's field and label. `a=` depends on where it stands. */
const LINES: Readonly<Record<string, readonly [string, string]>> = {
  v: ['sdp.version', 'Session Description Protocol Version (v)'],
  o: ['sdp.owner', 'Owner/Creator, Session Id (o)'],
  s: ['sdp.session_name', 'Session Name (s)'],
  i: ['sdp.session_info', 'Session Information (i)'],
  u: ['sdp.uri', 'URI of Description (u)'],
  e: ['sdp.email', 'E-mail Address (e)'],
  p: ['sdp.phone', 'Phone Number (p)'],
  c: ['sdp.connection_info', 'Connection Information (c)'],
  b: ['sdp.bandwidth', 'Bandwidth Information (b)'],
  t: ['sdp.time', 'Time Description, active time (t)'],
  r: ['sdp.repeat_time', 'Repeat Time (r)'],
  z: ['sdp.timezone', 'Time Zone Adjustments (z)'],
  k: ['sdp.encryption_key', 'Encryption Key (k)'],
  m: ['sdp.media', 'Media Description, name and address (m)'],
};

/** The parts of a line that are separated by blanks, in order. */
const PARTS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  o: [
    ['sdp.owner.username', 'Owner Username'],
    ['sdp.owner.sessionid', 'Session ID'],
    ['sdp.owner.version', 'Session Version'],
    ['sdp.owner.network_type', 'Owner Network Type'],
    ['sdp.owner.address_type', 'Owner Address Type'],
    ['sdp.owner.address', 'Owner Address'],
  ],
  c: [
    ['sdp.connection_info.network_type', 'Connection Network Type'],
    ['sdp.connection_info.address_type', 'Connection Address Type'],
    ['sdp.connection_info.address', 'Connection Address'],
  ],
  t: [
    ['sdp.time.start', 'Session Start Time'],
    ['sdp.time.stop', 'Session Stop Time'],
  ],
  m: [
    ['sdp.media.media', 'Media Type'],
    ['sdp.media.port', 'Media Port'],
    ['sdp.media.proto', 'Media Protocol'],
  ],
};

function showParts(context: DissectContext, type: string, line: Line): void {
  const { tree, bytes } = context;
  const names = PARTS[type];
  if (names === undefined) return;
  let at = line.start + 2;
  for (let i = 0; at < line.end; i++) {
    let stop = at;
    while (stop < line.end && bytes[stop] !== 0x20) stop++;
    const pair = names[i] ?? (type === 'm' ? (['sdp.media.format', 'Media Format'] as const) : undefined);
    if (pair === undefined) return;
    const text = displayText(bytes, at, stop);
    const raw = pair[0] === 'sdp.media.port' && /^\d{1,5}$/.test(text) ? Number(text) : text;
    if (stop > at) tree.field(pair[0], pair[1], text, at, stop - at, { raw });
    at = stop + 1;
  }
}

function showAttribute(context: DissectContext, line: Line, inMedia: boolean): void {
  const { tree, bytes } = context;
  const start = line.start + 2;
  let colon = start;
  while (colon < line.end && bytes[colon] !== 0x3a) colon++;
  const field = inMedia ? 'sdp.media_attribute' : 'sdp.session_attr';
  const title = inMedia ? 'Media Attribute' : 'Session Attribute';
  tree.field(`${field}.field`, `${title} Fieldname`, displayText(bytes, start, colon), start, colon - start);
  if (colon < line.end)
    tree.field(`${field}.value`, `${title} Value`, displayText(bytes, colon + 1, line.end), colon + 1, line.end - colon - 1);
}

/** True where a session description starts: `v=0`. */
export function isSdp(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= 4 && bytes[start] === 0x76 && bytes[start + 1] === 0x3d && bytes[start + 2] === 0x30 && bytes[start + 3]! <= 0x0d;
}

/** A session description (RFC 8866), line by line. */
export function dissectSdp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  tree.layer('sdp', 'Session Description Protocol', start, end - start);
  let at = start;
  let inMedia = false;
  for (let count = 0; at < end && count < MAX_HEADERS; count++) {
    const line = lineAt(bytes, at, end);
    at = line.next;
    if (line.end - line.start < 2) continue;
    const type = String.fromCharCode(bytes[line.start]!);
    const pair =
      type === 'a'
        ? inMedia
          ? (['sdp.media_attr', 'Media Attribute (a)'] as const)
          : (['sdp.session_attr', 'Session Attribute (a)'] as const)
        : LINES[type];
    if (bytes[line.start + 1] !== 0x3d || pair === undefined) {
      tree.field('sdp.invalid', 'Invalid line', displayText(bytes, line.start, line.end), line.start, line.next - line.start);
      continue;
    }
    if (type === 'm') inMedia = true;
    const text = displayText(bytes, line.start + 2, line.end);
    const node = tree.open(pair[0], pair[1], line.start, line.next - line.start, { raw: text });
    node.value = text;
    if (type === 'a') showAttribute(context, line, inMedia);
    else showParts(context, type, line);
    tree.close();
  }
  tree.close();
}
