import type { EventClock, Timer } from '../clock.ts';
import type { QueryMessage } from '../messages/index.ts';
import type { GroupState } from './group-state.ts';

/** What a port needs of the router it belongs to. */
export interface MembershipHost {
  readonly clock: EventClock;
  /** Sends a query; the destination is all hosts or the group. */
  query(message: QueryMessage, destination: string): void;
  /** The membership of a group has changed. */
  changed(group: string): void;
  /** Something for whoever runs the network, at a limited rate. */
  warn(text: string): void;
  /** MTU of the link in bytes. */
  readonly mtuBytes: number;
  /** The router only listens here: it asks nothing, and no timer runs for it to ask. */
  readonly silent?: boolean;
}

/** A group on the interface of a port. */
export interface Membership {
  readonly group: string;
  readonly state: GroupState;
  timer: Timer | undefined;
  /** Hosts of version 1 and 2 were heard: until when (RFC 9776 section 7.3.2). */
  version1UntilNs: number;
  version2UntilNs: number;
  /** Repetitions of a query about the group, and about sources, that are still to be sent. */
  groupQueries: number;
  readonly sourceQueries: Map<string, number>;
  queryTimer: Timer | undefined;
  /** With fast leave: who reported. */
  readonly reporters: Set<string>;
}

/** A group as others may see it. */
export interface GroupView {
  readonly group: string;
  readonly mode: 'include' | 'exclude';
  readonly sources: readonly string[];
  /** 1 to 3, in numbers of IGMP. */
  readonly compatibility: 1 | 2 | 3;
}
