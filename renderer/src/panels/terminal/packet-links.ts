/** `packet 18,204` in the terminal's output is a link: it selects the packet in the list. */
import type { ILink, ILinkProvider, Terminal } from '@xterm/xterm';

const PACKET = /\bpacket #?(\d{1,3}(?:,\d{3})+|\d{1,10})\b/gi;

export interface PacketMention {
  readonly text: string;
  readonly number: number;
  /** 0-based column of the first sign. */
  readonly at: number;
}

export function packetMentions(line: string): PacketMention[] {
  return [...line.matchAll(PACKET)].map((match) => ({
    text: match[0],
    number: Number((match[1] ?? '').replaceAll(',', '')),
    at: match.index,
  }));
}

export function packetLinks(terminal: Terminal, select: (number: number) => void): ILinkProvider {
  return {
    provideLinks(y, callback) {
      const line = terminal.buffer.active.getLine(y - 1)?.translateToString(true) ?? '';
      const links = packetMentions(line).map((mention): ILink => ({
        text: mention.text,
        range: { start: { x: mention.at + 1, y }, end: { x: mention.at + mention.text.length, y } },
        activate: () => {
          select(mention.number);
        },
      }));
      callback(links.length > 0 ? links : undefined);
    },
  };
}
