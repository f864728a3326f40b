import type { FindingLog } from './findings.ts';
import type { SideData } from './types.ts';

/** Packet comments kept. A person reads hundreds; a tool that tags packets may write one for each. */
export const MAX_COMMENTS = 100_000;
/** Characters of one text option kept. */
export const MAX_TEXT_CHARS = 8192;
/** Addresses of name resolution blocks kept. */
export const MAX_NAMES = 100_000;
/** Decryption secrets blocks noted. */
export const MAX_SECRETS = 1000;
/** Sections described one by one; a file of joined files may have many. */
export const MAX_SECTIONS = 10_000;
/** Kinds of blocks counted by name. */
export const MAX_BLOCK_KINDS = 256;

export function emptySideData(): SideData {
  return { sections: [], packetComments: new Map(), names: [], secrets: [], blocks: {} };
}

/** Adds to the side data within its limits; what goes beyond is counted as `side-data-limit`. */
export class SideDataKeeper {
  readonly data: SideData = emptySideData();
  private readonly findings: FindingLog;
  private comments = 0;
  private kinds = 0;

  constructor(findings: FindingLog) {
    this.findings = findings;
  }

  comment(packetNumber: number, text: string, fileOffset: number): void {
    if (this.comments >= MAX_COMMENTS) {
      this.findings.add('side-data-limit', fileOffset);
      return;
    }
    this.comments++;
    const list = this.data.packetComments.get(packetNumber);
    if (list === undefined) this.data.packetComments.set(packetNumber, [text]);
    else list.push(text);
  }

  name(address: string, names: string[], fileOffset: number): void {
    if (this.data.names.length < MAX_NAMES) this.data.names.push({ address, names });
    else this.findings.add('side-data-limit', fileOffset);
  }

  secret(kind: string, lenBytes: number, fileOffset: number): void {
    if (this.data.secrets.length < MAX_SECRETS) this.data.secrets.push({ kind, lenBytes });
    else this.findings.add('side-data-limit', fileOffset);
  }

  block(name: string): void {
    const before = this.data.blocks[name];
    if (before === undefined) {
      if (this.kinds >= MAX_BLOCK_KINDS) return;
      this.kinds++;
    }
    this.data.blocks[name] = (before ?? 0) + 1;
  }
}
