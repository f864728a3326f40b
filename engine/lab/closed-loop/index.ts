export { runClosedLoop, runClosedLoopInSteps, type ClosedLoopOptions } from './closed-loop.ts';
export { closedLoopOptions } from './from-scenario.ts';
export { Receiver } from './receiver.ts';
export { Cubic, Reno, initialWindow, type CongestionControl } from './congestion.ts';
export { RetransmissionTimer } from './rto.ts';
export { Sender, type SenderOptions } from './sender.ts';
