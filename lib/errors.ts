// The errors of the engine, grouped by what the caller should do, and the one table of their codes.
//
// Owns: error classes, codes. A code is never reused; docs/errors.md has a row for each, and a test compares the two.

/** Every code with its meaning in a few words; docs/errors.md says what to do about each. */
export const ERROR_CODES = {
  TRG_CONFIG_INVALID: 'the configuration has errors',
  TRG_LOG_LOCKED: 'another process has the data folder open',
  TRG_LOG_CORRUPT: 'a file of the embedded log is damaged',
  TRG_LOG_FULL: 'the disk is full or cannot be written',
  TRG_LOG_FENCED: 'a newer producer with the same transactional id took over',
  TRG_MEMBER_LOST: 'the group went on without this worker',
  TRG_INSTANCE_FENCED: 'another worker runs under the same instance id',
  TRG_LOG_CLOSED: 'the log was closed while in use',
  TRG_LOG_UNCLEAR_COMMIT: 'a transaction ended without a clear answer',
  TRG_LOG_UNREACHABLE: 'the cluster cannot be reached or does not answer',
  TRG_LOG_DENIED: 'the cluster refused the log-in or the right to do something',
  TRG_LOG_REFUSED: 'the cluster refused a request',
  TRG_LOG_DAMAGED: 'records that were read do not match their checksum',
  TRG_LOG_TRUNCATED: 'a topic ends before the position that was committed',
  TRG_TOPIC_MISSING: 'a topic does not exist',
  TRG_TOPIC_MISMATCH: 'topics that must have the same partition count do not',
  TRG_TOPIC_CHANGED: 'a topic has got more partitions',
  TRG_TOPOLOGY_INVALID: 'the topology is not well formed',
  TRG_STATE_LOCKED: 'another process has the state folder open',
  TRG_STATE_CORRUPT: 'stored state cannot be read',
  TRG_STATE_UNWRITABLE: 'the state folder cannot be written',
  TRG_STATE_MISMATCH: 'the state folder belongs to another application or version',
  TRG_REGISTRY_UNREACHABLE: 'the schema registry does not answer',
  TRG_REGISTRY_REFUSED: 'the schema registry refused a request',
  TRG_SCHEMA_INCOMPATIBLE: 'a schema of ours is not compatible with the one in the registry',
  TRG_RECORD_UNREADABLE: 'an input record cannot be decoded',
  TRG_RECORD_INVALID: 'an input record lacks something or has a wrong type',
  TRG_RECORD_TOO_LARGE: 'a record is larger than the limit',
  TRG_RECORD_IN_FUTURE: 'an event is stamped further in the future than maxClockSkew',
  TRG_RECORD_TIME_IMPLAUSIBLE: 'an event is stamped with a time that it cannot have',
  TRG_RECORD_RESERVED: 'an event has a name that only Tripline gives',
  TRG_RULES_INVALID: 'rules, templates or their tests have errors',
  TRG_FILE_UNREADABLE: 'a file cannot be read',
  TRG_FILE_UNWRITABLE: 'a file cannot be written',
  TRG_TEMPLATE_FAILED: 'a template cannot be rendered',
  TRG_DELIVERY_FAILED: 'a provider refused or could not be reached',
  TRG_PACKAGE_MISSING: 'an optional package is needed that is not installed',
  TRG_MODEL_UNAVAILABLE: 'a model needs a package or a secret that is not there',
  TRG_MODEL_FAILED: 'a model gave no score',
  TRG_HTTP_LISTEN: 'the HTTP address cannot be listened on',
  TRG_HTTP_UNAUTHORIZED: 'a request has no key, or a wrong one',
  TRG_HTTP_FORBIDDEN: 'a key does not give the right to what is asked',
  TRG_HTTP_NOT_FOUND: 'a request names nothing that is there',
  TRG_HTTP_MALFORMED: 'a request is not HTTP, or not whole',
  TRG_HTTP_TIMEOUT: 'a request was not sent, or not answered, in time',
  TRG_HTTP_LIMITED: 'more requests came than a key or an address may send',
  TRG_HTTP_BUSY: 'more events are on their way to the log than fit',
  TRG_HTTP_UNAVAILABLE: 'events cannot be taken just now',
  TRG_HTTP_FAILED: 'a request failed within Tripline',
  TRG_NAME_UNKNOWN: 'a rule, an entity type or a channel that is named does not exist',
  TRG_REVIEW_NOT_WAITING: 'nothing waits for a person under this id',
  TRG_WORKER_SILENT: 'a running worker does not answer',
  TRG_WORKER_BUSY: 'a running worker has too many questions to answer',
  TRG_WORKER_MISMATCH: 'the running worker is of another version or application',
  TRG_WORKER_FAILED: 'a running worker failed at a question',
  TRG_TASK_MOVING: 'the task of an entity is on its way to a worker',
  TRG_PEER_UNREACHABLE: 'the worker that has an entity cannot be asked',
  TRG_INTERNAL: 'processing failed by a bug of Tripline',
  TRG_USAGE: 'the command line is wrong',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

/** Base of all errors of the engine. `fields` hold positions and names, never user data. */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** Trying again later may help; the connector or the runtime does so, with backoff. */
export class RetryableError extends EngineError {
  /** What the other side asked for, in ms. */
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown, retryAfterMs?: number) {
    super(code, message, fields, cause);
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

/** This one record cannot be used: it goes to the dead-letter topic and the flow continues. */
export class RecordError extends EngineError {}

/** The task or process cannot go on: it stops, and the process exits non-zero. */
export class FatalError extends EngineError {}

/** A producer or a group member was replaced, or lost track of where it is: drop it, open a new one, restore what is committed. */
export class FencedError extends EngineError {}

/** One line for people: the message and those of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describeError(error.cause)})`;
}

/** What an error is called, without its message, which may quote somebody's data. */
export function errorName(error: unknown): string {
  if (error instanceof EngineError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}
