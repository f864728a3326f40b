/** PIM version 2 messages as values (RFC 7761 section 4.9, RFC 5059 section 4), read and written. */
export const PIM_TYPE = { hello: 0, register: 1, registerStop: 2, joinPrune: 3, bootstrap: 4, assert: 5, candidateRp: 8 } as const;

/** Hello option of this program: the sender is a translation router, with its router id (M-17). From the range for private use. */
export const TRANSLATION_ROUTER_OPTION = 65_100;

export interface PimHello {
  readonly kind: 'hello';
  readonly holdtimeS: number;
  readonly lanPruneDelay: { readonly propagationMs: number; readonly overrideMs: number; readonly tracking: boolean } | null;
  readonly drPriority: number | null;
  readonly generationId: number | null;
  /** Secondary addresses (RFC 7761 section 4.3.4). */
  readonly addresses: readonly string[];
  readonly translationRouter: number | null;
}

export interface PimSource {
  readonly source: string;
  /** W bit: the source is the rendezvous point and stands for any source. */
  readonly wildcard: boolean;
  /** R bit: towards the rendezvous point. */
  readonly rpt: boolean;
}

export interface PimGroupSet {
  readonly group: string;
  readonly maskLength: number;
  readonly joins: readonly PimSource[];
  readonly prunes: readonly PimSource[];
}

export interface PimJoinPrune {
  readonly kind: 'join-prune';
  readonly upstream: string;
  readonly holdtimeS: number;
  readonly groups: readonly PimGroupSet[];
}

export interface PimRegister {
  readonly kind: 'register';
  readonly border: boolean;
  readonly nullRegister: boolean;
  /** The multicast packet, from its IP header. */
  readonly packet: Uint8Array;
}

export interface PimRegisterStop {
  readonly kind: 'register-stop';
  readonly group: string;
  readonly source: string;
}

export interface PimAssert {
  readonly kind: 'assert';
  readonly group: string;
  /** The unspecified address for (*,G). */
  readonly source: string;
  readonly rpt: boolean;
  readonly preference: number;
  readonly metric: number;
}

export interface BootstrapRp {
  readonly address: string;
  readonly holdtimeS: number;
  readonly priority: number;
}

export interface BootstrapGroup {
  readonly group: string;
  readonly maskLength: number;
  /** B bit: for bidirectional PIM. */
  readonly bidirectional: boolean;
  /** RPs of the range in all fragments of the message. */
  readonly count: number;
  /** Those in this fragment. */
  readonly rps: readonly BootstrapRp[];
}

export interface PimBootstrap {
  readonly kind: 'bootstrap';
  /** For the neighbour that gets it only (RFC 5059 section 4.1, the N bit). */
  readonly noForward: boolean;
  readonly fragmentTag: number;
  readonly hashMaskLength: number;
  readonly priority: number;
  readonly bsr: string;
  readonly groups: readonly BootstrapGroup[];
}

export interface PimCandidateRp {
  readonly kind: 'candidate-rp';
  readonly priority: number;
  readonly holdtimeS: number;
  readonly rp: string;
  readonly groups: readonly { readonly group: string; readonly maskLength: number; readonly bidirectional: boolean }[];
}

export type PimMessage = PimHello | PimJoinPrune | PimRegister | PimRegisterStop | PimAssert | PimBootstrap | PimCandidateRp;
