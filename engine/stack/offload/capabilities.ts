import type { ChecksumMode } from './aggregate.ts';

/** What a port tells the stack behind it that it can do (V-01); XNU calls them NXPCAP flags. */
export const PORT_CAPABILITIES = ['csum-partial', 'tso4', 'tso6', 'rx-agg', 'large-buf'] as const;
export type PortCapability = (typeof PORT_CAPABILITIES)[number];

/** What the driver can do by itself. Claim 8 is a driver that can do nothing. */
export interface DeviceAbilities {
  readonly rxChecksum: boolean;
  readonly txChecksum: boolean;
  readonly tso: boolean;
}

export type ForcedMode = 'auto' | ChecksumMode;

export interface PathDecision {
  readonly rx: ChecksumMode;
  readonly tx: ChecksumMode;
  /** Who cuts large packets of each IP version. */
  readonly cut4: 'hardware' | 'switch' | 'stack';
  readonly cut6: 'hardware' | 'switch' | 'stack';
  readonly because: string;
}

function becauseOf({ rxChecksum, txChecksum }: DeviceAbilities, partial: boolean): string {
  if (rxChecksum && txChecksum) return 'the driver sums';
  const rest = partial ? 'the port offers CSUM_PARTIAL, so the copy does' : 'the port does not offer CSUM_PARTIAL, so the stack does';
  if (!rxChecksum && !txChecksum) return `the driver cannot sum; ${rest}`;
  return rxChecksum
    ? `the driver sums what is received, not what is sent; ${rest}`
    : `the driver sums what is sent, not what is received; ${rest}`;
}

/** Decides for one port who sums and who cuts (V-02): the driver if it can, else the switch if the stack lets it, else the stack. */
export function decidePath(mode: ForcedMode, device: DeviceAbilities, port: readonly PortCapability[]): PathDecision {
  const partial = port.includes('csum-partial');
  const auto = (able: boolean): ChecksumMode => (able ? 'hardware' : partial ? 'copy' : 'stack');
  const rx = mode === 'auto' ? auto(device.rxChecksum) : mode;
  const tx = mode === 'auto' ? auto(device.txChecksum) : mode;
  const cut = (offered: boolean): PathDecision['cut4'] => (!offered ? 'stack' : device.tso && tx === 'hardware' ? 'hardware' : 'switch');
  const because = mode === 'auto' ? becauseOf(device, partial) : `forced to ${mode}`;
  return { rx, tx, cut4: cut(port.includes('tso4')), cut6: cut(port.includes('tso6')), because };
}
