import { ErrorLimit } from './error-limit.ts';
import type { AddressMapper } from './mapper.ts';
import { PacketView } from './packet-view.ts';
import type { TranslatorSettings } from './settings.ts';

/** What the two directions share: configuration, the mapper, the view of quoted packets and the last result. One for each translator. */
export class Context {
  readonly settings: TranslatorSettings;
  readonly mapper: AddressMapper;
  readonly inner = new PacketView();
  readonly errors: ErrorLimit;
  readonly tosValue: number;
  readonly tosCopy: boolean;
  readonly trafficClassCopy: boolean;
  /** Addresses alone are mapped, so any protocol can pass. */
  readonly anyProtocol: boolean;
  /** Identification of the next IPv4 packet that had none (RFC 7915 section 5.1); counts from 1 so that runs repeat. */
  nextIdentification = 1;
  nowNs = 0;
  hairpinned = false;
  /** 1, or 0 for the second translation of a hairpinned packet: it crosses one router. */
  hopCost = 1;
  /** Bytes written by the last write, and bytes the packet has where nothing was cut by the capture. */
  writtenBytes = 0;
  wireBytes = 0;

  constructor(settings: TranslatorSettings, mapper: AddressMapper) {
    this.settings = settings;
    this.mapper = mapper;
    this.errors = new ErrorLimit(settings.spec.icmpErrors);
    const { tos, trafficClass, mode } = settings.spec;
    this.anyProtocol = mode === 'siit' || mode === 'clat';
    this.tosCopy = tos === 'copy';
    this.tosValue = typeof tos === 'number' ? tos : 0;
    this.trafficClassCopy = trafficClass === 'copy';
  }

  takeIdentification(): number {
    if (this.settings.spec.identification === 'zero') return 0;
    const id = this.nextIdentification;
    this.nextIdentification = id === 0xffff ? 1 : id + 1;
    return id;
  }
}
