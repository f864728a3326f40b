/** Bursts of packet streams: scales, virtual queues, token buckets. */
export { BurstAnalysis } from './analysis.ts';
export { colourOfDscp, GREEN, RED, SingleRateMarker, TwoRateMarker, YELLOW, type Colour, type Marker } from './token-bucket.ts';
export { CURVE_RATES_BPS, QueueBank, VirtualQueue } from './virtual-queue.ts';
export { MAX_RATE_BPS, RateClock } from './rate-clock.ts';
