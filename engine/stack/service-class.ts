/**
 * Service classes of packets (Skywalk's eleven) and the four traffic classes they share, which are the queues of a wireless
 * link and of the class queue here. A replayed packet gets its class from its DSCP.
 */
export const SERVICE_CLASSES = ['BK_SYS', 'BK', 'BE', 'RD', 'OAM', 'AV', 'RV', 'VI', 'SIG', 'VO', 'CTL'] as const;
export type ServiceClass = (typeof SERVICE_CLASSES)[number];

export const TRAFFIC_CLASSES = ['BE', 'BK', 'VI', 'VO'] as const;
export type TrafficClass = (typeof TRAFFIC_CLASSES)[number];

/** Traffic classes in the order in which the link serves them. */
export const TRAFFIC_CLASS_ORDER: readonly TrafficClass[] = ['VO', 'VI', 'BE', 'BK'];

const TRAFFIC_CLASS_OF: Readonly<Record<ServiceClass, TrafficClass>> = {
  BK_SYS: 'BK',
  BK: 'BK',
  BE: 'BE',
  RD: 'BE',
  OAM: 'BE',
  AV: 'VI',
  RV: 'VI',
  VI: 'VI',
  SIG: 'VI',
  VO: 'VO',
  CTL: 'VO',
};

export interface DscpRow {
  readonly dscp: number;
  readonly name: string;
  readonly serviceClass: ServiceClass;
  /** Where the code point's meaning is written. */
  readonly source: string;
}

/** What each code point asks for. A code point that is not here is best effort (RFC 2474 section 3). */
export const DSCP_TABLE: readonly DscpRow[] = [
  { dscp: 0, name: 'DF', serviceClass: 'BE', source: 'RFC 4594 section 4.10' },
  { dscp: 1, name: 'LE', serviceClass: 'BK_SYS', source: 'RFC 8622' },
  { dscp: 8, name: 'CS1', serviceClass: 'BK', source: 'RFC 4594 section 4.11' },
  { dscp: 10, name: 'AF11', serviceClass: 'BE', source: 'RFC 4594 section 4.8' },
  { dscp: 12, name: 'AF12', serviceClass: 'BE', source: 'RFC 4594 section 4.8' },
  { dscp: 14, name: 'AF13', serviceClass: 'BE', source: 'RFC 4594 section 4.8' },
  { dscp: 16, name: 'CS2', serviceClass: 'OAM', source: 'RFC 4594 section 3.3' },
  { dscp: 18, name: 'AF21', serviceClass: 'RD', source: 'RFC 4594 section 4.7' },
  { dscp: 20, name: 'AF22', serviceClass: 'RD', source: 'RFC 4594 section 4.7' },
  { dscp: 22, name: 'AF23', serviceClass: 'RD', source: 'RFC 4594 section 4.7' },
  { dscp: 24, name: 'CS3', serviceClass: 'AV', source: 'RFC 4594 section 4.6' },
  { dscp: 26, name: 'AF31', serviceClass: 'AV', source: 'RFC 4594 section 4.5' },
  { dscp: 28, name: 'AF32', serviceClass: 'AV', source: 'RFC 4594 section 4.5' },
  { dscp: 30, name: 'AF33', serviceClass: 'AV', source: 'RFC 4594 section 4.5' },
  { dscp: 32, name: 'CS4', serviceClass: 'RV', source: 'RFC 4594 section 4.4' },
  { dscp: 34, name: 'AF41', serviceClass: 'VI', source: 'RFC 4594 section 4.3' },
  { dscp: 36, name: 'AF42', serviceClass: 'VI', source: 'RFC 4594 section 4.3' },
  { dscp: 38, name: 'AF43', serviceClass: 'VI', source: 'RFC 4594 section 4.3' },
  { dscp: 40, name: 'CS5', serviceClass: 'SIG', source: 'RFC 4594 section 4.2' },
  { dscp: 44, name: 'VOICE-ADMIT', serviceClass: 'VO', source: 'RFC 5865' },
  { dscp: 46, name: 'EF', serviceClass: 'VO', source: 'RFC 4594 section 4.1' },
  { dscp: 48, name: 'CS6', serviceClass: 'CTL', source: 'RFC 4594 section 3.2' },
  { dscp: 56, name: 'CS7', serviceClass: 'CTL', source: 'RFC 4594 section 3.2' },
];

const SERVICE_BY_DSCP = new Uint8Array(64).fill(SERVICE_CLASSES.indexOf('BE'));
for (const row of DSCP_TABLE) SERVICE_BY_DSCP[row.dscp] = SERVICE_CLASSES.indexOf(row.serviceClass);

/** Place in SERVICE_CLASSES of a traffic class byte of an IP header (DSCP << 2 | ECN). */
export function serviceClassOf(trafficClassByte: number): number {
  return SERVICE_BY_DSCP[(trafficClassByte >>> 2) & 63]!;
}

const PLACE_BY_SERVICE = Uint8Array.from(SERVICE_CLASSES, (sc) => TRAFFIC_CLASS_ORDER.indexOf(TRAFFIC_CLASS_OF[sc]));

/** Place in TRAFFIC_CLASS_ORDER of a service class, given by its place in SERVICE_CLASSES. */
export function trafficPlaceOf(serviceClass: number): number {
  return PLACE_BY_SERVICE[serviceClass]!;
}

/** ECN field of an IP header (RFC 3168 section 5). */
export const ECN_NOT_ECT = 0;
export const ECN_CE = 3;
