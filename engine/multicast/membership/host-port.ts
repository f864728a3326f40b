import { NS_PER_MS, NS_PER_S, type Random } from '../../base/index.ts';
import { ALL_REPORT_ROUTERS, ALL_ROUTERS, type Family } from '../addresses.ts';
import { cancel, type EventClock, type Timer } from '../clock.ts';
import { RECORD, type GroupMessage, type GroupRecord } from '../messages/index.ts';

/** Repetitions of a report that tells a change (RFC 9776 section 8.1: the robustness variable) come within this time. */
const UNSOLICITED_NS = NS_PER_S;

export interface HostPortOptions {
  readonly family: Family;
  /** 1 to 3, in numbers of IGMP. */
  readonly version: 1 | 2 | 3;
  readonly clock: EventClock;
  readonly random: Random;
  readonly robustness: number;
  send(message: GroupMessage, destination: string): void;
}

interface Wanted {
  /** Empty for any source. */
  readonly source: string;
}

/** A host that receives: joins, leaves and answers queries (RFC 9776 section 5, RFC 2236 section 3, RFC 1112). One reception a group. */
export class HostPort {
  private readonly options: HostPortOptions;
  private readonly groups = new Map<string, Wanted>();
  private readonly answers = new Map<string, Timer>();

  constructor(options: HostPortOptions) {
    this.options = options;
  }

  join(group: string, source = ''): void {
    this.groups.set(group, { source });
    const { version } = this.options;
    this.tell(group, version === 3 ? this.changeRecord(group, true) : undefined);
  }

  leave(group: string): void {
    const wanted = this.groups.get(group);
    if (wanted === undefined) return;
    this.groups.delete(group);
    cancel(this.answers.get(group));
    this.answers.delete(group);
    const { version, family } = this.options;
    if (version === 2) this.options.send({ kind: 'leave', version: 2, group }, ALL_ROUTERS[family]);
    if (version < 3) return;
    const record: GroupRecord =
      wanted.source === '' ? { type: RECORD.toInclude, group, sources: [] } : { type: RECORD.block, group, sources: [wanted.source] };
    this.tell(group, record);
  }

  receive(message: GroupMessage): void {
    if (message.kind === 'query') {
      for (const group of message.group === '' ? this.groups.keys() : this.groups.has(message.group) ? [message.group] : []) {
        this.answerLater(group, message.maxResponseMs);
      }
    } else if (message.kind === 'report' && message.version < 3 && this.options.version < 3) {
      // Another host of the old versions has answered: this one need not.
      for (const { group } of message.records) {
        cancel(this.answers.get(group));
        this.answers.delete(group);
      }
    }
  }

  private changeRecord(group: string, joins: boolean): GroupRecord {
    const { source } = this.groups.get(group) ?? { source: '' };
    if (source === '') return { type: joins ? RECORD.toExclude : RECORD.isExclude, group, sources: [] };
    return { type: joins ? RECORD.allow : RECORD.isInclude, group, sources: [source] };
  }

  /** A change is told as often as the robustness variable says. */
  private tell(group: string, record: GroupRecord | undefined): void {
    const { clock, random, robustness } = this.options;
    let atNs = 0;
    for (let i = 0; i < robustness; i++) {
      const send = (): void => {
        const gone = !this.groups.has(group);
        const leaving = record?.type === RECORD.toInclude || record?.type === RECORD.block;
        if (gone === leaving) this.report(group, record);
      };
      if (i === 0) send();
      else clock.after(atNs, send);
      atNs += Math.round((0.1 + 0.9 * random.float()) * UNSOLICITED_NS);
    }
  }

  private report(group: string, record: GroupRecord | undefined): void {
    const { version, family } = this.options;
    if (version === 3)
      this.options.send({ kind: 'report', version: 3, records: [record ?? this.changeRecord(group, false)] }, ALL_REPORT_ROUTERS[family]);
    else this.options.send({ kind: 'report', version, records: [{ type: RECORD.isExclude, group, sources: [] }] }, group);
  }

  private answerLater(group: string, maxResponseMs: number): void {
    const { clock, random } = this.options;
    const atNs = clock.nowNs + Math.round(random.float() * maxResponseMs * NS_PER_MS);
    const waiting = this.answers.get(group);
    if (waiting?.run !== undefined && waiting.atNs <= atNs) return;
    cancel(waiting);
    this.answers.set(
      group,
      clock.at(atNs, () => {
        this.answers.delete(group);
        if (this.groups.has(group)) this.report(group, undefined);
      }),
    );
  }
}
