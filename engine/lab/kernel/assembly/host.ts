/** What the kernel leaves to the worlds, because it is rare: functions of LaneKernel in world-kernel.ts. */

/** Any packet but those that the kernel classifies: classifyRange for row `i`. */
export declare function classifyOther(i: i32): void;
/** FlowTable.insert of the key at `row`; the addresses of tables in the queue block are those of now when it comes back. */
export declare function insert(world: i32, row: usize): i32;
/** First packet of a flow: FlowSwitch.arrived. */
export declare function arrived(world: i32, id: i32, meta: i32, number: i32, lenBytes: i32): void;
/** A flow without a record: what the selectors say, as PKT_FLOW. */
export declare function withoutRecord(world: i32, row: usize): i32;
/** FlowSwitch.lookup for a flow without an entry, and for fragments; gives the port. */
export declare function lookup(world: i32, id: i32, slot: i32): i32;
/** trackTcp of stack/tcp-track.ts for the packet in metadata `slot`. */
export declare function track(world: i32, id: i32, slot: i32): void;
/** A packet that the device has no room for. */
export declare function droppedAtDevice(world: i32, code: i32, flow: i32, number: i32): void;
/** A packet that a port has no room for. */
export declare function droppedAtPort(world: i32, port: i32, code: i32, slot: i32): void;
/** The linger worker. */
export declare function expire(world: i32, tNs: f64): void;
/** A bin of the series ends. */
export declare function closeBin(world: i32): void;
/** Bucket of a delay of 2^31 ns or more. */
export declare function delayBucket(delayNs: f64): i32;
