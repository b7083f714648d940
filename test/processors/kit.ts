// What the tests of processors share: a context that keeps what a processor does, without a runtime.

import assert from 'node:assert/strict';
import { Counters } from '../../lib/counters.ts';
import { digestWait } from '../../processors/decide/digest.ts';
import { deliveryWait, quietFallback } from '../../processors/decide/fallback.ts';
import { Evaluate } from '../../processors/evaluate/evaluate.ts';
import { cappedMessages } from '../../rules/gates/cap.ts';
import { groupHolds } from '../../rules/gates/exclusive.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import { isYes } from '../../schemas/consent-wish.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import type { Late } from '../../schemas/framed.ts';
import { type HeldReason, heldCandidates } from '../../state/entity/candidates.ts';
import { entityDocumentSpec } from '../../state/entity/codec.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { consentFacts, sentFacts } from '../../state/entity/facts.ts';
import { type Wait, waitsOf, waitsOfKind } from '../../state/entity/waits.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import type { DocumentSpec } from '../../state/store/api.ts';
import { CachedDocumentStore } from '../../state/store/document-store.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { documentBytes, documentOf } from '../../state/store/stored-document.ts';
import { check } from '../rules/kit.ts';

export class RecordingContext implements ProcessorContext {
  readonly taskId = 'test_0';
  readonly partition = 0;
  readonly counters = new Counters();
  readonly observed: number[] = [];
  readonly forwarded: { to: string | undefined; message: Message<unknown> }[] = [];
  readonly measured: string[] = [];
  wall = 0;
  readonly #store: unknown;

  constructor(store: unknown = null) {
    this.#store = store;
  }

  streamTime = (): number => 0;
  inputTime = (): number => 0;
  wallTime = (): number => this.wall;
  observeTime = (timeMs: number): unknown => this.observed.push(timeMs);
  observeWatermark = (): void => assert.fail('no watermark is expected');
  forward = (message: Message<unknown>, to?: string): unknown => this.forwarded.push({ to, message });
  count = (metric: string, labels?: Readonly<Record<string, string>>): void => this.counters.add(metric, labels);
  measure = (metric: string): unknown => this.measured.push(metric);
  run = (): void => assert.fail('no I/O is expected');
  store<Doc>(): Doc {
    return this.#store as Doc;
  }

  valuesTo<Value>(child: string | undefined): Value[] {
    return this.forwarded.filter(({ to }) => to === child).map(({ message }) => message.value as Value);
  }
}

export function sourceRecord(value: string | Uint8Array | null, key: string | null = null): Message<SourceRecord> {
  const record = {
    offset: 7,
    timestamp: 5_000,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: [],
  };
  return { key: '', value: { topic: 'events.shop', partition: 3, record }, timestamp: 5_000, headers: [] };
}

/** Evaluate over a store in memory, with the test as its runtime. */
export class EvaluateRun {
  readonly documents: CachedDocumentStore<EntityDocument>;
  readonly context: RecordingContext;
  readonly #evaluate: Processor<Event>;
  readonly #spec: DocumentSpec<EntityDocument>;

  constructor(
    rules: string | (() => RuleSet),
    options: { dedupeWindowMs?: number; dedupeMax?: number; hasWallTime?: boolean } = {},
  ) {
    const ruleSet = typeof rules === 'string' ? () => checkedOnce : rules;
    const checkedOnce = typeof rules === 'string' ? check(rules).ruleSet : rules();
    this.#spec = entityDocumentSpec(ruleSet);
    this.documents = new CachedDocumentStore(new MemoryStore(), this.#spec, { cacheBytes: 1e9 });
    this.context = new RecordingContext(this.documents);
    this.#evaluate = new Evaluate({
      rules: ruleSet,
      dedupeWindowMs: options.dedupeWindowMs ?? 86_400_000,
      dedupeMax: options.dedupeMax ?? 1_000,
      hasWallTime: options.hasWallTime ?? false,
      store: 'entities',
    });
    this.#evaluate.init!(this.context as unknown as ProcessorContext);
  }

  see(...events: readonly Event[]): this {
    for (const event of events) {
      const key = `user/${event.userId}`;
      this.#evaluate.process({ key, value: event, timestamp: event.time, headers: [] });
    }
    return this;
  }

  /** Hands out everything due up to `time`, as a task does. */
  async passTo(time: number): Promise<this> {
    for (;;) {
      const first = this.documents.peekDue(time);
      if (first === null) return this;
      if (first === undefined) await this.documents.loadDue();
      else this.#evaluate.due!(first.key, first.due);
    }
  }

  /** Puts the person's document through its stored form, as if it had left memory. */
  storeAndLoad(user = 'u1'): void {
    const bytes = documentBytes(this.#spec, this.document(user)!);
    this.documents.put(`user/${user}`, documentOf(this.#spec, bytes));
  }

  document(user = 'u1'): EntityDocument | undefined {
    return this.documents.get(`user/${user}`);
  }

  get decisions(): Decision[] {
    return this.context.valuesTo<Decision>('decisions');
  }

  get late(): Late[] {
    return this.context.valuesTo<Late>('late');
  }

  /** `rule@time` of what fired, `rule@time reason` of what did not. */
  get lines(): string[] {
    return this.decisions.map(({ rule, at, reason }) => `${rule}@${at}${reason === null ? '' : ` ${reason}`}`);
  }

  /**
   * `rule@time channel to user` of each action, in the order written. Fails unless each has an id of its own, and says of
   * its decision, which must have fired, what that says of itself.
   */
  get sends(): string[] {
    const fired = new Map(this.decisions.flatMap((one) => (one.outcome === 'fired' ? [[one.id, one] as const] : [])));
    const sent = this.context.forwarded.filter(({ to }) => to === 'actions');
    const ids = new Set<string>();
    return sent.map(({ message: { key, value, timestamp } }) => {
      const { id, decision, rule, ruleVersion, entity, at, channel } = value as Action;
      const its = fired.get(decision);
      assert.ok(its !== undefined, `${rule}@${at} has an action without a decision that fired`);
      assert.deepEqual({ rule, ruleVersion, entity, at }, pick(its));
      assert.deepEqual([key, timestamp], [entity.id, at]);
      assert.ok(!ids.has(id), `two actions have the id ${id}`);
      ids.add(id);
      return `${rule}@${at} ${channel} to ${entity.id}`;
    });
  }

  /** `channel at` of the messages whose outcome may take a further channel. */
  routes(user = 'u1'): string[] {
    const { sections } = this.document(user)!;
    const waiting = [deliveryWait, quietFallback].flatMap((kind) => waitsOfKind(sections, kind));
    return waiting.map(({ value }) => `${value.channel} ${value.at}`);
  }

  /** What the person's document still holds beside message ids and attributes, a line each; empty: nothing. */
  remains(user = 'u1'): string[] {
    const document = this.document(user);
    if (document === undefined) return [];
    const { rules, buffer, sections } = document;
    const consent = sections.open(consentFacts) ?? [];
    const ofRules = [...rules.values()].flatMap(({ rule, fired, instances }) => [
      ...fired.map(({ key, at }) => `fired ${rule}@${at}${key === '' ? '' : ` ${key}`}`),
      ...instances.map(({ by }) => `pattern ${rule}${by === '' ? '' : ` ${by}`}`),
    ]);
    const ofCaps = sections.open(cappedMessages)?.fired ?? [];
    const ofGroups = sections.open(groupHolds)?.holds ?? [];
    return [
      ...ofRules,
      ...buffer.map(({ event, time }) => `buffered ${event}@${time}`),
      ...(sections.open(sentFacts) ?? []).map(({ channel, at }) => `sent ${channel}@${at}`),
      ...ofCaps.map(({ at, category, channels }) => `capped ${channels.join('+')} ${category}@${at}`),
      ...ofGroups.map(({ group, rule, from, until }) => `group ${group} by ${rule}@${from}-${until}`),
      ...consent.map(
        (wish) => `consent ${wish.about} ${isYes(wish) ? 'yes' : 'no'}@${Math.max(wish.yesAt, wish.noAt)}`,
      ),
      ...waitsOf(sections).map(lineOfWait),
    ];
  }
}

function lineOfWait({ rule, due, what }: Wait): string {
  const route = what.open(deliveryWait.what);
  if (route !== undefined) return `route ${rule}@${route.at} ${route.channel} then ${route.fallback}`;
  const digest = what.open(digestWait.what);
  if (digest !== undefined) return `digest ${rule} of ${digest.items.length + digest.more} until ${due}`;
  const kind = heldCandidates[what.kind as HeldReason];
  assert.ok(kind !== undefined, `"${what.kind}" is no candidate that waits`);
  return `waits ${rule}@${what.open(kind.what)!.match.at} ${what.kind} until ${due}`;
}

function pick({ rule, ruleVersion, entity, at }: Decision) {
  return { rule, ruleVersion, entity, at };
}
