/** The part of dns-packet (a test dependency without types) that the tests use. */
declare module 'dns-packet' {
  export interface Packet {
    readonly id: number;
    readonly type: 'query' | 'response';
    readonly rcode: string;
    readonly questions: readonly { readonly name: string; readonly type: string }[];
    readonly answers: readonly Answer[];
    readonly authorities: readonly Answer[];
    readonly additionals: readonly Answer[];
  }
  export interface Answer {
    readonly name: string;
    readonly type: string;
    readonly ttl?: number;
    readonly data?: unknown;
  }
  export function decode(bytes: Uint8Array, offset?: number): Packet;
  export function encode(packet: unknown): Uint8Array;
}
