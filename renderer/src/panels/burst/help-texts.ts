/** What a field is for, in one or two lines, with the rule or the RFC section it comes from. */

/** Fields of the view "In the capture". */
export const ANALYSIS_HELP = {
  kind: 'One rate: CIR, CBS and EBS (RFC 2697). Two rates: a peak rate decides red, the committed one yellow (RFC 2698).',
  rate: 'Committed rate (CIR): the link or drain rate that buffer, microbursts and the meter are worked out for.',
  burst: 'Committed burst (CBS): bytes that may come at once and stay green (RFC 2697 section 3, RFC 2698 section 3).',
  excess: 'Excess burst (EBS): filled by what CBS has no room for; a packet that fits only here is yellow (RFC 2697 section 3).',
  peakRate: 'Peak rate (PIR), at least the committed one: what exceeds it is red (RFC 2698 section 3).',
  peakBurst: 'Peak burst (PBS): bytes that may come at once before packets are red (RFC 2698 section 3).',
  colourAware:
    'A packet comes with a colour, the drop precedence of its DSCP (AFx1 green, AFx2 yellow, AFx3 red; RFC 2597), and never gets a better one.',
} as const;

/** Fields of the view "Meter". */
export const METER_HELP = {
  enable: 'Which of the two runs the lists below are of. The strips show both (B-21).',
  profile: 'Capability record of the network: it sizes the ring and bounds the drain rate (B-02, B-12).',
  trace: 'Condition of the channel over time: on a bad one a backlog is drained more slowly (B-03, B-16).',
  csv: 'Channel conditions from a file: at_ms,quality and, if wanted, current_bps,loss,handover; a row holds until the next (B-03).',
  fixedSlots: 'Slots of the meter ring: from the capability record, or fixed for comparison (B-12).',
  intervalUs: 'Time from one release to the next (B-14, B-17).',
  portionCapBytes: 'Most bytes that a socket gets at one release; a packet is never split (B-14).',
  rateMaxBps: 'Fastest drain of the ring; without a figure the peak rate of the record (B-16).',
  rcvbufBytes: 'Receive buffer of each socket: what does not fit is held in the ring, or lost with the meter off (B-04, B-15).',
  readerBps: 'Rate at which each application reads its socket; 0 reads at once (B-04).',
  overflow: 'A full ring drops what comes, drops the oldest, or leaves packets in the first pool (B-18).',
  grouping: 'One ring for all sockets, shared by deficit round robin, or one for each (B-08, B-20).',
  drain: 'channel: the drain time follows the gaps between bursts and the channel; static: the burst period of the record (B-16).',
  intervalMode: 'adaptive: the interval follows packets and bytes of 10 ms windows in five levels (B-17).',
  rateMinBps: 'Slowest drain of the ring, bits per second; without a figure the sustained rate of the record (B-16).',
  maxAddedDelayMs: 'A packet that has waited this long goes to its socket whatever rate and portion say, ms.',
  earlyWake: 'A socket that drains asks for its next portion before the interval is over (B-15).',
  jitterUs: 'The release timer is late by up to this, by the seed, µs.',
  holdTimeMs: 'Time at peak rate that the ring has room for beside one burst, ms (B-12).',
  slotBytes: 'Bytes that a slot of the meter ring stands for (B-12).',
  minSlots: 'The meter ring is never smaller (B-12).',
  maxSlots: 'The meter ring is never larger (B-12).',
  shrinkHoldDownMs: 'A smaller ring must be wanted for this long, ms (B-12).',
  burstGapUs: 'A silence of this length ends a burst, µs.',
  lowatBytes: 'The application is woken when so many bytes wait (B-04).',
  maxUnitBytes: 'Larger packets are dropped with a reason of their own (B-04).',
  mbufs: 'Packets that all receive buffers together can hold.',
} as const;

/** Fields of the view "Senders". */
export const SENDERS_HELP = {
  algorithm: 'How senders size their window: Reno (RFC 5681) or CUBIC (RFC 8312, RFC 9438); no SACK. Each has all the data it can send.',
  flows: 'Senders at once, up to 256; each has a socket of its own if the scenario says so.',
  durationS: 'Lab time to run, in seconds.',
  rateBps: 'Bottleneck of the network between senders and this host.',
  rttMs: 'Round trip without any queue; a bare number is milliseconds.',
  queueBytes: 'Queue in front of the bottleneck: a segment that finds it full is lost in the network.',
  grantMs: 'The modem hands over what has come every so often, in one lump; 0 hands over at once.',
  lineBps: 'Rate at which the modem hands over a lump.',
  mss: 'Data of a segment, without its headers.',
  windowBytes: 'Window that receivers advertise: a promise, which may exceed the receive buffer.',
  minRtoMs: 'Shortest retransmission timeout: RFC 6298 says a second, most systems use 200 ms.',
} as const;
