import type { IcmpErrorsSpec } from '../contract/index.ts';

const NS = 1e9;

/**
 * Token bucket on the lab clock for the ICMP errors a translator makes (RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8): `ratePerS` errors a second
 * on average, `burst` of them at once. Full when made; a time before the last one adds nothing.
 */
export class ErrorLimit {
  /** Errors that were due and not sent, because of the rate or because none are sent at all. */
  limited = 0;
  sent = 0;
  private readonly spec: IcmpErrorsSpec;
  private tokens: number;
  private lastNs = 0;

  constructor(spec: IcmpErrorsSpec) {
    this.spec = spec;
    this.tokens = spec.burst;
  }

  /** True if one error may be sent at `nowNs`; it then counts as sent. */
  take(nowNs: number): boolean {
    const { send, ratePerS, burst } = this.spec;
    if (nowNs > this.lastNs) {
      this.tokens = Math.min(burst, this.tokens + ((nowNs - this.lastNs) / NS) * ratePerS);
      this.lastNs = nowNs;
    }
    if (!send || this.tokens < 1) {
      this.limited++;
      return false;
    }
    this.tokens--;
    this.sent++;
    return true;
  }
}
