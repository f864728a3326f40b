import { NS_PER_S } from '../base/index.ts';

/** How many joins an interface takes in a second (M-24). A second's worth may come at once. */
export class JoinRate {
  private readonly perSecond: number;
  private left: number;
  private atNs = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.left = perSecond;
  }

  /** False where there is no room for one more now. */
  take(nowNs: number): boolean {
    this.left = Math.min(this.perSecond, this.left + ((nowNs - this.atNs) / NS_PER_S) * this.perSecond);
    this.atNs = nowNs;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
