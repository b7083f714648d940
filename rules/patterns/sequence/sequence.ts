// `sequence`: several events one after the other, with what must not come between them.
//
// Owns: the pattern as the evaluator runs it. The rest of the folder, in reading order: plan.ts (what is run), compile.ts
// (from the rule), advance.ts (one event), matches.ts (what fires), partials.ts (what is kept).
//
// Invariants:
//   Q1. The order is that of evaluation: event time, or in the arrival lane reading order, where event time only bounds
//       `within`.
//   Q2. A partial match whose time is over takes no more events; it goes with the next event that the rule is shown,
//       once none in time for it is expected. Only a match that waits for its deadline (trailing `not`) has one.
//   Q3. What a rule's steps left behind before they were changed is dropped with the next event: its numbers mean other
//       steps now.

import { definePattern, many, namesInWords } from '../definition.ts';
import type { Pattern, PatternWords } from '../pattern.ts';
import { advance } from './advance.ts';
import { compileSequence } from './compile.ts';
import { type Complete, fire } from './matches.ts';
import {
  bound,
  compact,
  deadlineOf,
  dropIf,
  type Node,
  type SequenceState,
  sequenceState,
  sizeOf,
} from './partials.ts';
import { END, type SequencePlan } from './plan.ts';
import { Sequence, type SequenceBody } from './schema.ts';

export const sequencePattern = definePattern({
  kind: 'sequence',
  shape: Sequence,
  lane: 'event-time',
  states: [sequenceState],
  compile(body, tools) {
    const { plan, interests, captures } = compileSequence(body, tools);
    const pattern = { ...machineOf(plan, interests), words: wordsOf(body) };
    return { pattern, captures, lists: plan.lists, eventInThen: true };
  },
});

function wordsOf({ steps = [] }: SequenceBody): PatternWords<SequenceState> {
  const first = steps[0]?.event;
  return {
    nothing: `no match is begun: ${namesInWords(first)} begins one`,
    progress({ nodes }, _now, until) {
      const begun = nodes.filter(({ open }) => open !== 0);
      const furthest = Math.max(0, ...nodes.map((node) => lengthOf(nodes, node)));
      const end = until === '' ? '' : `, and until ${until}`;
      return (
        `${many(begun.length, 'partial match')} begun; the furthest has ${many(furthest, 'event')} ` +
        `for ${many(steps.length, 'step')}${end}`
      );
    },
    deadline: () => 'a time that the pattern waited for',
  };
}

/** Events on the path to the node. */
function lengthOf(nodes: SequenceState['nodes'], node: Node): number {
  let length = 0;
  for (let step: Node | undefined = node; step !== undefined; step = nodes[step.parent]) length++;
  return length;
}

function machineOf(plan: SequencePlan, interests: readonly string[] | '*'): Omit<Pattern<SequenceState>, 'words'> {
  return {
    state: sequenceState,
    interests,
    onEvent(state, event, input) {
      const current = isOwn(plan, state)
        ? state
        : { kind: 'sequence' as const, plan: plan.hash, events: [], nodes: [] };
      if (state !== null && state !== current) input.dropped('partial-matches');
      const before = sizeOf(current);
      const settled = event.time - plan.reorderMs;
      dropIf(current, (node) => (node.open & END) === 0 && deadlineOf(plan, current, node) < settled);
      const complete = advance(plan, current, event, input).map((node) => ({ node, at: event.time, event }));
      if (complete.length > 0) fire(plan, current, complete, input);
      const after = sizeOf(current);
      // Most events that are shown change nothing.
      if (after.nodes !== before.nodes || after.open !== before.open) {
        compact(current);
        bound(current, input);
      }
      return current.nodes.length === 0 ? null : current;
    },
    onDeadline(state, deadline, input) {
      const complete: Complete[] = [];
      if (!isOwn(plan, state)) return null;
      for (const node of state.nodes) {
        const at = deadlineOf(plan, state, node);
        if ((node.open & END) !== 0 && at <= deadline) complete.push({ node, at, event: null });
      }
      fire(plan, state, complete, input);
      dropIf(state, (node) => deadlineOf(plan, state, node) <= deadline);
      compact(state);
      return state.nodes.length === 0 ? null : state;
    },
    deadlineOf(state) {
      let earliest = Infinity;
      if (!plan.trailing || !isOwn(plan, state)) return earliest;
      for (const node of state.nodes) {
        if ((node.open & END) !== 0) earliest = Math.min(earliest, deadlineOf(plan, state, node));
      }
      return earliest;
    },
  };
}

function isOwn(plan: SequencePlan, state: SequenceState | null): state is SequenceState {
  return state !== null && state.plan === plan.hash;
}
