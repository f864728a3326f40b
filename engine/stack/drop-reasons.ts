/**
 * Why a packet ended before its reader. The code is what a verdict byte holds, the name is the word of the trace and the
 * report: names in mixed case are XNU's own statistics, the others follow spec words.
 */
export interface DropReason {
  readonly code: number;
  readonly name: string;
  readonly text: string;
  /** Scenario parameter that gives more room, with `ports.N` for the port in question. */
  readonly parameter: string;
}

export const DROP_NONE = 0;
export const DROP_NOMEM = 1;
export const DROP_DEVICE_RX_FULL = 2;
export const DROP_DST_RING_FULL = 3;
export const DROP_PORT_NOMEM = 4;
export const DROP_TX_RING_FULL = 5;
export const DROP_DEVICE_TX_FULL = 6;
export const DROP_AQM = 7;
export const DROP_AQM_OVERLOAD = 8;
export const DROP_CLASS_QUEUE_FULL = 9;
export const DROP_FLOW_SUSPENDED = 10;
export const DROP_CHANNEL_GONE = 11;
export const DROP_BAD_CHECKSUM = 12;
export const DROP_METER_RING_FULL = 13;
export const DROP_METER_HEAD = 14;
export const DROP_SOCK_FULL = 15;
export const DROP_SOCK_OVERSIZE = 16;
export const DROP_SOCK_CLOSED = 17;
export const DROP_PURGED = 18;
export const DROP_MBUF_NOMEM = 19;
/** Those that a meter or a socket gives. */
export const METER_DROPS: readonly number[] = [
  DROP_METER_RING_FULL,
  DROP_METER_HEAD,
  DROP_SOCK_FULL,
  DROP_SOCK_OVERSIZE,
  DROP_SOCK_CLOSED,
  DROP_PURGED,
  DROP_MBUF_NOMEM,
];

export const DROP_REASONS: readonly DropReason[] = [
  { code: DROP_NONE, name: '', text: 'Not dropped.', parameter: '' },
  {
    code: DROP_NOMEM,
    name: 'nomem',
    text: 'The device pool had too few free buffers for the packet.',
    parameter: 'device.poolPackets',
  },
  {
    code: DROP_DEVICE_RX_FULL,
    name: 'device_rx_full',
    text: 'Every slot of the device RX ring was in use: the flow switch had not polled it in time.',
    parameter: 'device.rxRingSlots',
  },
  {
    code: DROP_DST_RING_FULL,
    name: 'RxDstRingFull',
    text: 'Tail drop: every slot of the port RX ring was in use, because its reader was behind.',
    parameter: 'ports.N.rxRingSlots',
  },
  {
    code: DROP_PORT_NOMEM,
    name: 'port_nomem',
    text: 'The packet pool of the port had too few free buffers for the packet.',
    parameter: 'ports.N.poolPackets',
  },
  {
    code: DROP_TX_RING_FULL,
    name: 'tx_ring_full',
    text: 'Every slot of the port TX ring was in use: the flow switch had not taken what was sent before.',
    parameter: 'ports.N.txRingSlots',
  },
  {
    code: DROP_DEVICE_TX_FULL,
    name: 'device_tx_full',
    text: 'Every slot of the device TX ring was in use: the link sends slower than the ports do.',
    parameter: 'device.txRingSlots',
  },
  {
    code: DROP_AQM,
    name: 'aqm_drop',
    text: 'CoDel: packets of the flow had waited longer than the target for an interval (RFC 8289).',
    parameter: 'stack.aqm.targetMs',
  },
  {
    code: DROP_AQM_OVERLOAD,
    name: 'aqm_overload',
    text: 'The class queue was at its limit, and the flow had the most bytes in it (RFC 8290).',
    parameter: 'stack.aqm.limitPackets',
  },
  {
    code: DROP_CLASS_QUEUE_FULL,
    name: 'class_queue_full',
    text: 'Tail drop: the class queue, a plain FIFO, was at its limit.',
    parameter: 'stack.aqm.limitPackets',
  },
  {
    code: DROP_FLOW_SUSPENDED,
    name: 'flow_suspended',
    text: 'The flow was suspended and the application held as many packets as it can.',
    parameter: 'stack.aqm.advisory.holdPackets',
  },
  {
    code: DROP_CHANNEL_GONE,
    name: 'channel_gone',
    text: 'The channel was closed or made defunct while the packet was in its rings.',
    parameter: 'stack.events',
  },
  {
    code: DROP_BAD_CHECKSUM,
    name: 'bad_checksum',
    text: 'The checksum found a bit that an injected fault had turned.',
    parameter: 'stack.faults',
  },
  {
    code: DROP_METER_RING_FULL,
    name: 'ring_full_drop',
    text: 'Tail drop: every slot of the meter ring was in use, because bursts came faster than sockets were fed.',
    parameter: 'device.network.capability.burstBytesMax',
  },
  {
    code: DROP_METER_HEAD,
    name: 'ring_head_drop',
    text: 'Head drop: the oldest packet of a full meter ring made way for a new one.',
    parameter: 'device.network.capability.burstBytesMax',
  },
  {
    code: DROP_SOCK_FULL,
    name: 'sock_full_drop',
    text: 'The receive buffer of the socket had no room for the packet, and no meter held it back.',
    parameter: 'ports.N.meter.enable',
  },
  {
    code: DROP_SOCK_OVERSIZE,
    name: 'sock_oversize',
    text: 'The packet was larger than the socket takes in one unit, or than its whole receive buffer.',
    parameter: 'ports.N.sockets.maxUnitBytes',
  },
  {
    code: DROP_SOCK_CLOSED,
    name: 'sock_closed',
    text: 'The socket had been closed when the packet came.',
    parameter: 'ports.N.sockets.closes',
  },
  {
    code: DROP_PURGED,
    name: 'purged',
    text: 'The socket was closed while the packet waited for its application.',
    parameter: 'ports.N.sockets.closes',
  },
  {
    code: DROP_MBUF_NOMEM,
    name: 'mbuf_nomem',
    text: 'All receive buffers together held as many packets as there are mbufs.',
    parameter: 'ports.N.sockets.mbufs',
  },
];
