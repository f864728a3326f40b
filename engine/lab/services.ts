/**
 * What can be due in a queue's world, by place in its array of times: the bin edge of the series, the RX poll, the linger worker, the
 * readers in the order of their ports, then the link, then the TX polls in the order of their ports.
 */
export const DUE_SERIES = 0;
export const DUE_POLL = 1;
export const DUE_LINGER = 2;
/** Readers from here on; behind them the link, then the TX polls. */
export const DUE_READERS = 3;

export const NEVER = Number.POSITIVE_INFINITY;

/**
 * Places in a world's clock. Instants are handed on here, because a float64 handed from function to function costs an allocation
 * each time. Place 0 is FlowSwitch.clock: the instant that it is now.
 */
export const CLOCK_NOW = 0;
/** When the next service is due. */
export const CLOCK_NEXT = 1;
/** Up to when services are being run. */
export const CLOCK_UNTIL = 2;
