import { NS_PER_S } from '../../base/index.ts';
import type { PimHost } from './host.ts';

/** What a router tells whoever runs the network. */
export type WarningAbout = 'secondary-address' | 'destination' | 'format';

const LEAST_INTERVAL_NS = 60 * NS_PER_S;

/** Errors that RFC 7761 sections 4.3.4 and 4.9 want in a log, of each kind once a minute at most. */
export class Warnings {
  private readonly host: PimHost;
  private readonly toldNs = new Map<WarningAbout, number>();

  constructor(host: PimHost) {
    this.host = host;
  }

  tell(about: WarningAbout, iface: number, source: string, text: string): void {
    const { nowNs } = this.host.clock;
    if (nowNs - (this.toldNs.get(about) ?? -Infinity) < LEAST_INTERVAL_NS) return;
    this.toldNs.set(about, nowNs);
    this.host.note({ kind: 'warning', iface, source, group: '', text });
  }
}
