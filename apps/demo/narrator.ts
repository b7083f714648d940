// Tells what happens in the demo: some of it line by line, all of it in the summary.

import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { SinkMail } from './smtp-sink.ts';
import type { ReceivedWebhook } from './webhook-receiver.ts';

export interface DemoSummary {
  readonly events: number;
  readonly fired: number;
  readonly suppressed: number;
  readonly delivered: number;
}

/** Lines of a kind (decisions of a rule, say) that are shown one by one; the rest is counted. */
const LINES_PER_KIND = 5;

interface RuleCounts {
  fired: number;
  suppressed: Map<string, number>;
  delivered: number;
  /** Not delivered, by reason. */
  undelivered: Map<string, number>;
}

export class Narrator {
  readonly #write: (line: string) => void;
  readonly #shown = new Map<string, number>();
  readonly #rules = new Map<string, RuleCounts>();
  #events = 0;
  #actions = 0;
  #deliveries = 0;
  #mails = 0;
  #webhooks = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Whether each action seen has its outcome. */
  get allSettled(): boolean {
    return this.#deliveries >= this.#actions;
  }

  events(messages: readonly JsonObject[]): void {
    this.#events += messages.length;
    const last = messages.at(-1);
    if (last === undefined) return;
    const text = `${last['userId']} ${last['event']}`;
    this.#write(`event      ${last['timestamp']}  ${text}  (${this.#events} so far)`);
  }

  decision({ rule, at, outcome, reason, entity }: Decision): void {
    const counts = this.#countsOf(rule);
    if (reason === null) counts.fired++;
    else counts.suppressed.set(reason, (counts.suppressed.get(reason) ?? 0) + 1);
    const why = reason === null ? '' : ` (${reason})`;
    this.#show(`decision ${rule} ${outcome}`, `decision   ${isoOf(at)}  ${entity.id}  ${rule} ${outcome}${why}`);
  }

  action(_action: Action): void {
    this.#actions++;
  }

  delivery({ rule, channel, outcome, reason, entity }: Delivery): void {
    this.#deliveries++;
    const counts = this.#countsOf(rule);
    if (outcome === 'delivered') counts.delivered++;
    else counts.undelivered.set(reason ?? outcome, (counts.undelivered.get(reason ?? outcome) ?? 0) + 1);
    const why = reason === null ? '' : ` (${reason})`;
    this.#show(`delivery ${rule} ${outcome}`, `delivery   ${channel} to ${entity.id}: ${rule} ${outcome}${why}`);
  }

  mail({ to, subject }: SinkMail): void {
    this.#mails++;
    this.#show('mail', `mail       to ${to.join(', ')}: ${subject}`);
  }

  webhook({ id, body }: ReceivedWebhook): void {
    this.#webhooks++;
    // What every webhook has is left out: lines are to fit a terminal.
    const { tripline: _, ...data } = (body['data'] ?? {}) as JsonObject;
    this.#show('webhook', `webhook    ${id.slice(0, 8)} ${body['type']} ${JSON.stringify(data)}`);
  }

  /** A line of the worker's log: only what went wrong is shown. */
  log(line: string): void {
    const { level, msg, error } = JSON.parse(line);
    if (level >= 40) this.#write(`worker     ${msg}${error === undefined ? '' : `: ${error}`}`);
  }

  summary(): DemoSummary {
    const width = Math.max(...[...this.#rules.keys()].map((id) => id.length), 4);
    this.#write('');
    this.#write(`${'rule'.padEnd(width)}     fired  suppressed  delivered`);
    let fired = 0;
    let suppressed = 0;
    let delivered = 0;
    for (const [id, counts] of [...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const held = sum(counts.suppressed);
      fired += counts.fired;
      suppressed += held;
      delivered += counts.delivered;
      const why = [...counts.suppressed, ...counts.undelivered].map(([reason, count]) => `${reason} ${count}`);
      const columns = [counts.fired, held, counts.delivered].map((count, i) => String(count).padStart([6, 10, 9][i]!));
      this.#write(`${id.padEnd(width)}    ${columns.join('  ')}   ${why.join(', ')}`.trimEnd());
    }
    this.#write(`\nreceived: ${this.#mails} mails, ${this.#webhooks} webhooks`);
    return { events: this.#events, fired, suppressed, delivered };
  }

  #countsOf(rule: string): RuleCounts {
    let counts = this.#rules.get(rule);
    if (counts === undefined) {
      counts = { fired: 0, suppressed: new Map(), delivered: 0, undelivered: new Map() };
      this.#rules.set(rule, counts);
    }
    return counts;
  }

  #show(kind: string, line: string): void {
    const shown = (this.#shown.get(kind) ?? 0) + 1;
    this.#shown.set(kind, shown);
    if (shown <= LINES_PER_KIND) this.#write(line);
    if (shown === LINES_PER_KIND + 1) this.#write(`           … more, counted only: ${kind}`);
  }
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
