export { runClosedLoop, type ClosedLoopOptions, type ClosedLoopResult } from './closed-loop.ts';
export { Cubic, Reno, initialWindow, type CongestionControl } from './congestion.ts';
export { RetransmissionTimer } from './rto.ts';
export { ALGORITHMS, Sender, type Algorithm, type SenderOptions } from './sender.ts';
