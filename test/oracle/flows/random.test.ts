import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { compareFlows } from './compare.ts';
import { interpret } from './interpreter.ts';
import { programOf } from './program.ts';
import { answering, replies, type StoryOptions, stories } from './random.ts';
import { groupOf } from './rule.ts';
import { fitsWindows } from './sends.ts';
import type { FlowAnswer, FlowRecord, Story } from './story.ts';

/** FUZZ_RUNS multiplies it, as in test/invariants. */
const RUNS = Math.ceil(60 * Number(process.env['FUZZ_RUNS'] ?? 1));

/** Checks what the interpreter makes of random stories, with answers to the questions that come up in them. */
function holds(options: StoryOptions, check: (answer: FlowAnswer, story: Story) => void): void {
  const told = fc.tuple(stories(options), replies).map(([story, list]) => answering(story, list));
  fc.assert(
    fc.property(told, (story) => check(interpret(story), story)),
    { numRuns: RUNS },
  );
}

interface Life {
  readonly flow: string;
  readonly rule: string;
  readonly entity: string;
  readonly from: number;
  /** Infinity: it lives. */
  readonly to: number;
  readonly reason: string | null;
}

function livesOf(records: readonly FlowRecord[]): Life[] {
  return records
    .filter(({ kind }) => kind === 'entered')
    .map(({ flow, rule, entity, at }) => {
      const end = records.find((one) => one.flow === flow && one.kind === 'ended');
      return { flow, rule, entity, from: at, to: end?.at ?? Infinity, reason: end?.reason ?? null };
    });
}

function assertApart(lives: readonly Life[]): void {
  for (const one of lives) {
    for (const other of lives) {
      const meet = one.from <= other.from && other.from < one.to && one.flow !== other.flow && one.from !== other.from;
      assert.ok(!meet, `${one.flow} and ${other.flow} live at one time`);
    }
  }
}

it('each flow begins with a fired decision, ends at most once, and takes no step after its end', () => {
  holds({ shuffle: 'within' }, ({ records, decisions, actions }) => {
    const fired = decisions.filter(({ outcome }) => outcome === 'fired').map(({ id }) => id);
    for (const [flow, own] of Map.groupBy(records, (one) => one.flow)) {
      const kinds = own.map(({ kind }) => kind);
      if (kinds.every((kind) => kind === 'goal')) continue;
      assert.ok(fired.includes(flow));
      assert.equal(kinds[0], 'entered');
      assert.equal(kinds.filter((kind) => kind === 'entered').length, 1);
      assert.ok(kinds.filter((kind) => kind === 'ended').length <= 1);
      assert.ok(kinds.filter((kind) => kind === 'goal').length <= 1);
      const end = kinds.indexOf('ended');
      if (end !== -1) assert.ok(kinds.slice(end + 1).every((kind) => kind === 'goal'));
      const times = own.map(({ at }) => at);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
    }
    for (const { at, until, kind } of records) if (kind === 'waiting') assert.ok(until! > at);
    const sent = records.filter(({ kind }) => kind === 'sent').map(({ action }) => action);
    assert.deepEqual(new Set(sent), new Set(actions.map(({ id }) => id)));
    assert.equal(sent.length, new Set(sent).size);
  });
});

it('no cap is exceeded, in whichever order messages were decided on', () => {
  holds({ shuffle: 'within' }, ({ actions }, { caps = [] }) => {
    for (const { max, per, channel = 'any' } of caps) {
      for (const own of Map.groupBy(actions, (one) => one.entity).values()) {
        const times = own.filter((one) => channel === 'any' || one.channel === channel).map(({ at }) => at);
        const unit = { '20s': 20_000, '60s': 60_000, day: 86_400_000 }[per]!;
        if (per === 'day') {
          for (const each of Map.groupBy(times, (at) => Math.floor(at / unit)).values()) assert.ok(each.length <= max);
        } else for (const at of times) assert.ok(fitsWindows(times, at, max, unit));
      }
    }
  });
});

it('one flow of a rule and person lives at a time, unless they run in parallel', () => {
  holds({ shuffle: 'within' }, ({ records }, { rules }) => {
    const single = rules.filter((rule) => rule.reentry !== 'parallel' && !JSON.stringify(rule.when).includes('"by"'));
    for (const { id } of single) {
      const lives = livesOf(records).filter(({ rule }) => rule === id);
      for (const own of Map.groupBy(lives, (one) => one.entity).values()) assertApart(own);
    }
  });
});

it('one flow of an exclusive group lives at a time', () => {
  holds({ shuffle: 'within' }, ({ records }, { rules }) => {
    const members = rules.filter((rule) => groupOf(rule) !== null).map(({ id }) => id);
    const lives = livesOf(records).filter(({ rule }) => members.includes(rule));
    for (const own of Map.groupBy(lives, (one) => one.entity).values()) {
      assertApart(own);
      // One that was ended at its own match has made room: by a change of the rules, or by whoever came after it.
      const whole = own.filter(({ reason }) => reason === null || reason === 'completed' || reason === 'exit');
      assert.equal(new Set(whole.map(({ from }) => from)).size, whole.length);
    }
  });
});

it('out of order within bounds, rules in order of event time do as if all had come in order', () => {
  const both = fc.tuple(stories({ shuffle: 'within', order: 'event-time', places: false }), fc.constant(null));
  fc.assert(
    fc.property(both, ([story]) => {
      const ordered = [...story.inputs].sort((a, b) => timeOf(a) - timeOf(b));
      assert.equal(compareFlows(interpret({ ...story, inputs: ordered }), interpret(story)), null);
    }),
    { numRuns: RUNS },
  );
});

function timeOf(input: Story['inputs'][number]): number {
  return input.kind === 'event' ? input.event.time : 0;
}

it('random stories come to every kind of record, every reason of an end, and answers', () => {
  const seen = new Set<string>();
  const told = fc.tuple(stories({ shuffle: 'within' }), replies).map(([story, list]) => answering(story, list));
  for (const story of fc.sample(told, { numRuns: 400, seed: 7 })) {
    for (const { kind, reason } of interpret(story).records) seen.add(reason === null ? kind : `${kind} ${reason}`);
  }
  const wanted = [
    ...['entered', 'waiting', 'waiting quiet-hours', 'sent', 'chose', 'goal', 'skipped condition', 'skipped cap'],
    ...[
      'skipped consent',
      'reviewed approve',
      'reviewed edit',
      'reviewed reject',
      'reviewed timeout',
      'ended completed',
    ],
    ...['ended exit', 'ended goal', 'ended stopped', 'ended restarted', 'ended pre-empted', 'ended changed'],
    'ended rejected',
  ];
  assert.deepEqual(
    wanted.filter((one) => !seen.has(one)),
    [],
  );
});

it('random rules can be written as YAML; their steps all can be reached, and have names of their own', () => {
  fc.assert(
    fc.property(stories({ shuffle: 'none' }), ({ rules }) => {
      for (const rule of rules) {
        const program = programOf(rule);
        const reached = new Set([0]);
        for (const { number, kind, next, arms } of program) {
          if (!reached.has(number) || kind === 'exit') continue;
          for (const to of [...arms, next]) if (to !== null) reached.add(to);
        }
        assert.equal(reached.size, program.length);
        assert.deepEqual(parse(stringify(rule)), rule);
        const names = program.flatMap(({ name }) => name ?? []);
        assert.equal(new Set(names).size, names.length);
      }
    }),
    { numRuns: RUNS },
  );
});
