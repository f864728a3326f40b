/**
 * Drop reasons as words. The engine names them as XNU's statistics and the trace do; those names stay in tooltips, copies and
 * reports, because they are what one searches for.
 */
interface ReasonWords {
  /** In sentences and tables. */
  readonly label: string;
  /** In a column of about fourteen signs. */
  readonly short: string;
}

export const REASON_WORDS: Readonly<Record<string, ReasonWords>> = {
  nomem: { label: 'device pool empty', short: 'pool empty' },
  device_rx_full: { label: 'device RX ring full', short: 'RX ring full' },
  RxDstRingFull: { label: 'port RX ring full', short: 'port ring full' },
  port_nomem: { label: 'port pool empty', short: 'port pool empty' },
  tx_ring_full: { label: 'port TX ring full', short: 'TX ring full' },
  device_tx_full: { label: 'device TX ring full', short: 'dev TX full' },
  aqm_drop: { label: 'dropped by queue management', short: 'AQM drop' },
  aqm_overload: { label: 'queue management overloaded', short: 'AQM overload' },
  class_queue_full: { label: 'class queue full', short: 'class full' },
  flow_suspended: { label: 'flow suspended', short: 'flow held up' },
  channel_gone: { label: 'channel gone', short: 'channel gone' },
  bad_checksum: { label: 'bad checksum', short: 'bad checksum' },
  ring_full_drop: { label: 'meter ring full', short: 'meter full' },
  ring_head_drop: { label: 'oldest in the meter ring', short: 'meter head' },
  sock_full_drop: { label: 'socket buffer full', short: 'socket full' },
  sock_oversize: { label: 'larger than the socket buffer', short: 'too large' },
  sock_closed: { label: 'socket closed', short: 'socket closed' },
  purged: { label: 'purged with its flow', short: 'purged' },
  mbuf_nomem: { label: 'no socket memory left', short: 'mbufs empty' },
};

/** Words of a reason; its own name where there are none. */
export function reasonLabel(name: string): string {
  return REASON_WORDS[name]?.label ?? name;
}

/** The shortest words of a reason that can be told from the others. */
export function reasonShort(name: string): string {
  return REASON_WORDS[name]?.short ?? name;
}

/** Words and exact name, for a tooltip. */
export function reasonTitle(name: string): string {
  const label = reasonLabel(name);
  return label === name ? name : `${label} (${name})`;
}
