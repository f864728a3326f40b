import type { AlarmListener } from './alarms.ts';
import type { BindingTable } from './bindings.ts';
import type { Translator } from './create.ts';
import { Mapt } from './mapt.ts';
import { Nat64 } from './nat64.ts';
import type { BindingListener } from './nat64-mapper.ts';
import type { PortBlocks } from './port-blocks.ts';
import type { SessionTable } from './sessions.ts';

/** The tables of a translator that has them, and what its panel and its log ask. */
export interface Stateful {
  readonly bindings: BindingTable;
  readonly sessions: SessionTable;
  /** Session of the last packet, -1 for none. */
  session(): number;
  /** Sessions that have ended by their lifetime. */
  expired(): number;
  /** Addresses with the number of ports that may be given on each, for each protocol. */
  addresses(): Generator<{ readonly address: number; readonly ports: number }>;
  /** Where ports are given by the block. */
  readonly blocks: PortBlocks | undefined;
  onBinding(listener: BindingListener): void;
  /** Limits that are reached; a customer edge tells none. */
  onAlarm(listener: AlarmListener): void;
}

/** The state of a translator, null for one without. */
export function statefulOf(translator: Translator): Stateful | null {
  if (translator instanceof Nat64) return ofNat64(translator);
  return translator instanceof Mapt && translator.edge !== null ? ofEdge(translator.edge) : null;
}

function ofNat64(nat: Nat64): Stateful {
  const { mapper } = nat;
  return {
    bindings: mapper.bindings,
    sessions: mapper.sessions,
    session: () => mapper.session,
    expired: () => nat.expiredSessions,
    addresses: () => mapper.poolAddresses(),
    blocks: mapper.blocks,
    onBinding: (listener) => {
      mapper.onBinding = listener;
    },
    onAlarm: (listener) => {
      mapper.alarms.listener = listener;
    },
  };
}

function ofEdge(edge: NonNullable<Mapt['edge']>): Stateful {
  const { napt } = edge;
  return {
    bindings: napt.bindings,
    sessions: napt.sessions,
    session: () => napt.session,
    expired: () => napt.expired,
    addresses: () => edge.addresses4(),
    blocks: undefined,
    onBinding: (listener) => {
      napt.onBinding = listener;
    },
    onAlarm: () => undefined,
  };
}
