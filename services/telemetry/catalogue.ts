// Every figure that leaves the process: its name outside, kind, unit and meaning. docs/observability.md has the table.
//
// Owns: names and meanings. Does not own: counting (lib/metrics.ts and whoever writes there, under the names on the left).
//
// Invariants:
//   C1. Whatever the code writes is here, and the other way round; a test compares the two.
//   C2. Labels take few values: threads, tasks, topics and partitions, rules, channels, codes. Never ids of people or events.

export interface MetricInfo {
  /** OpenTelemetry's name; Prometheus' has `_` for `.`, the unit, and `_total` for a counter. */
  readonly name: string;
  /** UCUM: s, By, or a thing counted in braces. Times are kept in ms and leave in seconds. */
  readonly unit: 's' | 'By' | `{${string}}` | '1';
  readonly meaning: string;
}

type Table = Readonly<Record<string, MetricInfo>>;

export const COUNTERS: Table = {
  'records-processed': {
    name: 'tripline.records.processed',
    unit: '{record}',
    meaning: 'Records processed, by input `topic` and `partition`',
  },
  unasked: {
    name: 'tripline.events.unasked',
    unit: '{event}',
    meaning: 'Events that no rule asks for',
  },
  duplicate: {
    name: 'tripline.events.duplicate',
    unit: '{event}',
    meaning: 'Events whose `messageId` was seen within `dedupeWindow`',
  },
  misplaced: {
    name: 'tripline.events.misplaced',
    unit: '{read}',
    meaning: 'Reads of a keyed source whose first key is in another partition than murmur2 puts it, by `topic`',
  },
  late: {
    name: 'tripline.events.late',
    unit: '{event}',
    meaning: 'Events too late for a `rule` in order of event time; they are in the late topic',
  },
  'dead-letter': {
    name: 'tripline.records.dead_letter',
    unit: '{record}',
    meaning: 'Records and actions given up, by `reason` (the error code); they are in the dead-letter topic',
  },
  decision: {
    name: 'tripline.decisions',
    unit: '{decision}',
    meaning: 'Decisions, by `rule` and `outcome`',
  },
  flow: {
    name: 'tripline.flows.records',
    unit: '{record}',
    meaning:
      'What happened in flows, by `rule` and `kind` (entered, waiting, sent, skipped, chose, reviewed, goal, ended)',
  },
  'route-ended': {
    name: 'tripline.routes.ended',
    unit: '{message}',
    meaning:
      'Messages whose route ended with channels left that may not take over, by `channel` of the last one and `reason`',
  },
  'feedback-repeat': {
    name: 'tripline.feedback.repeat',
    unit: '{message}',
    meaning: 'What a provider or a person said of a message again that is known already: it becomes no second event',
  },
  'feedback-unknown': {
    name: 'tripline.feedback.unknown',
    unit: '{message}',
    meaning: 'What was said, by `outcome`, of a message that nobody here sent',
  },
  'not-live': {
    name: 'tripline.decisions.not_live',
    unit: '{decision}',
    meaning: 'Decisions and timers left out of the latency `metric` because they were more than an hour old: backfills',
  },
  'score-asked': {
    name: 'tripline.scores.asked',
    unit: '{request}',
    meaning: 'Scores that were asked of a `model` beside the task',
  },
  'expression-failed': {
    name: 'tripline.expressions.failed',
    unit: '{evaluation}',
    meaning: 'Expressions of a `rule` or `segment` that failed and counted as false or null',
  },
  'deadline-failed': {
    name: 'tripline.deadlines.failed',
    unit: '{deadline}',
    meaning: 'Deadlines passed over because a bug failed them, by `part` of the topology',
  },
  dropped: {
    name: 'tripline.state.dropped',
    unit: '{item}',
    meaning: 'What was forgotten of a `rule`, or not kept of an entity (`attributes`), to keep a bound, by `what`',
  },
  'buffer-overflow': {
    name: 'tripline.events.buffer_overflow',
    unit: '{event}',
    meaning: 'Events evaluated before their time because one entity had too many waiting',
  },
  delivery: {
    name: 'tripline.deliveries',
    unit: '{action}',
    meaning: 'Actions settled, by `channel` and `outcome` (delivered, skipped, failed)',
  },
  'template-missing': {
    name: 'tripline.deliveries.missing',
    unit: '{message}',
    meaning:
      'Messages that went out with something missing that their template shows, by `channel`; deliveries say what',
  },
  'delivery-retry': {
    name: 'tripline.deliveries.retried',
    unit: '{attempt}',
    meaning: 'Attempts that failed and will be made again, by `channel`',
  },
  'delivery-repeat': {
    name: 'tripline.deliveries.repeated',
    unit: '{record}',
    meaning: 'Action records read again and known already, by `channel`',
  },
  'channel-disabled': {
    name: 'tripline.channels.disabled',
    unit: '{channel}',
    meaning: 'Times that a provider gave up a `channel`; nothing is sent over it until somebody enables it',
  },
  suppression: {
    name: 'tripline.suppressions',
    unit: '{address}',
    meaning: 'Addresses that nothing is sent to any more, by `channel` and `reason`',
  },
  'known-fault': {
    name: 'tripline.deliveries.held_up',
    unit: '{fault}',
    meaning: 'Times that consent, suppressions and the like could not be read; nothing is sent meanwhile',
  },
  'document-read': {
    name: 'tripline.documents.read',
    unit: '{read}',
    meaning:
      'Documents looked for, by `task`, and by where they came `from`: cache (memory), store (LevelDB), nowhere (new)',
  },
  'restored-records': {
    name: 'tripline.restore.records',
    unit: '{record}',
    meaning: 'Changelog records restored',
  },
  'restored-bytes': {
    name: 'tripline.restore.size',
    unit: 'By',
    meaning: 'Bytes of the changelog restored',
  },
  rebalance: {
    name: 'tripline.rebalances',
    unit: '{rebalance}',
    meaning: 'Rebalances of the group that this thread went through',
  },
  'engine-restart': {
    name: 'tripline.engine.restarts',
    unit: '{restart}',
    meaning: 'Faults after which an engine was opened anew, by `reason` (the error code)',
  },
  'http-events': {
    name: 'tripline.ingest.events',
    unit: '{event}',
    meaning: 'Events taken over HTTP and durably in the log',
  },
  'http-rejected': {
    name: 'tripline.ingest.rejected',
    unit: '{event}',
    meaning: 'Messages of batches that were refused while others of the batch were taken, by `code`',
  },
  'http-requests': {
    name: 'tripline.ingest.requests',
    unit: '{request}',
    meaning: 'Requests with events, by `status`',
  },
  'span-dropped': {
    name: 'tripline.spans.dropped',
    unit: '{span}',
    meaning: 'Spans lost because more ended than could be exported',
  },
};

export const GAUGES: Table = {
  lag: {
    name: 'tripline.lag',
    unit: '{record}',
    meaning: 'Offsets between the last record processed and the end of the input, by `topic` and `partition`',
  },
  'stream-time-lag': {
    name: 'tripline.stream_time.lag',
    unit: 's',
    meaning: 'How far the stream time of a `task` is behind the wall clock; at rest about `outOfOrderness`',
  },
  'restore-remaining': {
    name: 'tripline.restore.remaining',
    unit: '{record}',
    meaning: 'Changelog offsets that a `task` must read before it can run',
  },
  'standby-lag': {
    name: 'tripline.standby.lag',
    unit: '{record}',
    meaning: 'Changelog offsets by which the standby of a `task` is behind',
  },
  tasks: {
    name: 'tripline.tasks',
    unit: '{task}',
    meaning: 'Tasks of this thread, by `kind`: active, standby',
  },
  ready: {
    name: 'tripline.ready',
    unit: '1',
    meaning: '1 while this thread has joined, restored and polls, else 0',
  },
  'dirty-bytes': {
    name: 'tripline.documents.dirty',
    unit: 'By',
    meaning: 'Documents of a `task` that wait for a commit',
  },
  'state-size': {
    name: 'tripline.state.size',
    unit: 'By',
    meaning: 'Size on disk of the LevelDB of a `task`, estimated by LevelDB; what is not flushed yet is not in it',
  },
  'event-loop-delay': {
    name: 'tripline.event_loop.delay',
    unit: 's',
    meaning: 'How much later than due the event loop turned in the last 10 to 20 s, by `quantile` (0.5, 0.99, 1)',
  },
  'heap-used': {
    name: 'tripline.heap.used',
    unit: 'By',
    meaning: 'JavaScript heap in use',
  },
  'heap-limit': {
    name: 'tripline.heap.limit',
    unit: 'By',
    meaning: 'JavaScript heap at which the thread runs out of memory',
  },
  'resident-memory': {
    name: 'tripline.memory.resident',
    unit: 'By',
    meaning: 'Memory of the whole process',
  },
};

export const HISTOGRAMS: Table = {
  'commit-latency': {
    name: 'tripline.commit.latency',
    unit: 's',
    meaning: 'How long the log took to commit a transaction',
  },
  'commit-records': {
    name: 'tripline.commit.records',
    unit: '{record}',
    meaning: 'Records that a commit wrote: outputs, changelog and journal',
  },
  'record-lateness': {
    name: 'tripline.record.lateness',
    unit: 's',
    meaning: 'How far an event came behind the time of its input; beyond `outOfOrderness` it may be late',
  },
  'decision-latency': {
    name: 'tripline.decision.latency',
    unit: 's',
    meaning:
      'From event time (of an absence: its deadline) to the commit of the decision, by `urgency`; live events only',
  },
  'decision-latency-from-read': {
    name: 'tripline.decision.latency_from_read',
    unit: 's',
    meaning: 'From the fetch of the event to the commit of a decision that it led to at once, by `urgency`',
  },
  'timer-lateness': {
    name: 'tripline.timer.lateness',
    unit: 's',
    meaning: 'From the time a timer was due to the commit of its firing; at least `outOfOrderness`',
  },
  'rebalance-latency': {
    name: 'tripline.rebalance.latency',
    unit: 's',
    meaning: 'From the first sign of a rebalance until the new assignment held',
  },
  'delivery-latency': {
    name: 'tripline.delivery.latency',
    unit: 's',
    meaning: 'How long a provider took over one attempt, by `channel` and `outcome`',
  },
  'action-age': {
    name: 'tripline.delivery.age',
    unit: 's',
    meaning: 'From the event time of a decision to the delivery of its action, by `channel`; live ones only',
  },
  'http-latency': {
    name: 'tripline.ingest.latency',
    unit: 's',
    meaning: 'From a request with events to its answer',
  },
};
