// The bounds of the ingest API: Segment's own where it has one (docs/ingest.md names them to users).

/** One event as sent. */
export const EVENT_BYTES_MAX = 32 * 1024;
/** One batch as sent, packed or not. */
export const BATCH_BYTES_MAX = 500 * 1024;
export const BATCH_EVENTS_MAX = 2_500;
/** Of the records of a batch: its context is repeated in each, and must not make gigabytes of 500 KB. */
export const BATCH_RECORDS_BYTES_MAX = 4 * BATCH_BYTES_MAX;
/** Of requests being read and events not yet in the log: thirty batches of the largest size, with their records. */
export const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
/** One transaction of many requests: large enough to make a sync to disk cheap, small enough to be quick. */
export const GROUP_BYTES_MAX = 1024 * 1024;
/** Of bodies without a key in their head, which may yet be anybody's: half as much, and apart from the others. */
export const UNPROVEN_BYTES_MAX = 8 * 1024 * 1024;
/** Of those, from one address: four batches, or some sixty single events, at one moment. */
export const UNPROVEN_ADDRESS_BYTES_MAX = 2 * 1024 * 1024;
/** A sender slower than this holds a connection that others want: of the head, and of head and body. */
export const HEAD_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 15_000;
/** How often time-outs are looked at: Node's own 30 s would make 45 of the 15. */
export const TIMEOUT_CHECK_MS = 1_000;
/** A log that has not answered by then is not known to answer at all. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** On a stop, how long requests that are still being read may take; the process has 30 s in all. */
export const STOP_GRACE_MS = 5_000;
/** What a refused sender is told to wait: the log takes far less for all that is in flight. */
export const BUSY_RETRY_AFTER_MS = 1_000;
