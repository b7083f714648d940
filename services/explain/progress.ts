// Where a pattern stands, in words: what its state means, and what it waits for.
//
// Owns: the wording. It reads the pattern's state and what is written in the rule; it decides nothing.

import { parseDuration } from '../../lib/duration.ts';
import type { PatternState } from '../../rules/api.ts';
import type { RuleBody, WhenBody } from '../../rules/project/rule-schema.ts';

export function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** The words for this state, null: nothing kept. `now`: event time, ms; `deadline`: Infinity where none is set. */
export function progressWords(state: PatternState | null, { when }: RuleBody, now: number, deadline: number): string {
  if (when === undefined) return '';
  const until = deadline === Infinity ? '' : isoOf(deadline);
  if (state === null) return nothingYet(when);
  switch (state.kind) {
    case 'absence': {
      const clocks = state.clocks.map(
        ({ start, deadline: end }) => `${start.event} ${start.messageId} until ${isoOf(end)}`,
      );
      if (clocks.length === 0) return nothingYet(when);
      return `waits since ${clocks.join(', and since ')}: fires then unless ${namesOf(when.absence?.of)} comes`;
    }
    case 'inactive':
      return state.fired
        ? `the silence since ${isoOf(state.last.time)} was reported; the next event begins anew`
        : `last event ${state.last.event} at ${isoOf(state.last.time)}: fires at ${until} unless another comes`;
    case 'count':
    case 'distinct':
    case 'atMost':
      return countWords(state, when, now, until);
    case 'aggregate': {
      const rows = state.counts.length === 0 ? state.times.length : state.counts.reduce((sum, count) => sum + count, 0);
      return `has ${many(rows, 'figure')} of the last ${when.aggregate?.within ?? 'events'}${boundWords(when.aggregate)}`;
    }
    case 'baseline':
      return `this window has ${many(state.current, 'event')}, the ones before had ${state.previous.join(', ') || 'none yet'}`;
    case 'threshold': {
      if (state.start === null) return `no excursion is under way${boundWords(when.threshold)}`;
      const since = `beyond the bound since ${isoOf(state.start.time)}`;
      if (state.fired) return `${since}, which was reported; it must come back first`;
      return until === '' ? since : `${since}: fires at ${until} if it stays so`;
    }
    case 'at':
      return state.over
        ? `the moment ${isoOf(state.moment)} is over`
        : `fires at ${isoOf(state.moment)} unless the date changes`;
    case 'session':
      return (
        `a session of ${many(state.events, 'event')} since ${isoOf(state.start)}` +
        `${state.fired ? ', which was reported' : ''}${until === '' ? '' : `; it ends at ${until} if nothing comes`}`
      );
    case 'sequence': {
      const begun = state.nodes.filter(({ open }) => open !== 0);
      const furthest = Math.max(0, ...state.nodes.map((_, place) => pathLength(state.nodes, place)));
      const steps = when.sequence?.steps?.length;
      return (
        `${many(begun.length, 'partial match')} begun; the furthest has ${many(furthest, 'event')}` +
        `${steps === undefined ? '' : ` for ${many(steps, 'step')}`}${until === '' ? '' : `, and until ${until}`}`
      );
    }
    case 'compound': {
      const of = (when.all ?? when.any ?? []).length;
      return `${state.matched.length} of ${many(of, 'pattern')} matched${until === '' ? '' : `; looks again at ${until}`}`;
    }
  }
}

/** What a deadline says when it is reached. */
export function deadlineWords(state: PatternState, { when }: RuleBody, at: number): string {
  if (state.kind === 'absence') return `no ${namesOf(when?.absence?.of)} came until ${isoOf(at)}`;
  if (state.kind === 'inactive') return `nothing came since ${isoOf(state.last.time)} (for ${when?.inactive?.for})`;
  if (state.kind === 'session') return `nothing more came: the session ended`;
  if (state.kind === 'at') return 'the moment has come';
  if (state.kind === 'threshold') return `it stayed beyond the bound for ${when?.threshold?.for ?? 'so long'}`;
  if (state.kind === 'atMost') return 'an event has left the window';
  return `a time that the pattern waited for`;
}

type Counting = Extract<PatternState, { kind: 'count' | 'distinct' | 'atMost' }>;

function countWords(state: Counting, when: WhenBody, now: number, until: string): string {
  const { within = '', atLeast, atMost } = when.count ?? {};
  if (state.kind === 'atMost') {
    const falls = until === '' ? 'it has to be above that first' : `falls to it at ${until} unless more come`;
    return `count is ${state.entries.length}, and fires when it falls to ${atMost}: ${falls}`;
  }
  const windowMs = msOfWords(within);
  const inWindow = state.entries.filter(({ at }) => at > now - windowMs && at <= now);
  const count =
    state.kind === 'distinct'
      ? new Set(state.entries.filter(({ at }) => at > now - windowMs && at <= now).map(({ value }) => value)).size
      : inWindow.length;
  return `count is ${count} of ${atLeast ?? 1} in ${within}`;
}

function nothingYet(when: WhenBody): string {
  if (when.absence !== undefined) return `nothing waits: ${namesOf(when.absence.after)} starts the clock`;
  if (when.event !== undefined) return `fires with each ${namesOf(when.event)}${whereWords(when.where)}`;
  if (when.count !== undefined) {
    const { event, atLeast, atMost, within } = when.count;
    return `count of ${namesOf(event)} is 0${atLeast === undefined ? `, to fall to ${atMost}` : ` of ${atLeast}`} in ${within}`;
  }
  if (when.sequence !== undefined) return `no match is begun: ${firstStep(when)} begins one`;
  if (when.change !== undefined) return `fires when ${when.change.of} changes`;
  if (when.at !== undefined) return 'there is no date yet';
  if (when.session !== undefined) return 'no session is under way';
  return 'nothing is kept: it has seen nothing yet that it asks for';
}

function firstStep(when: WhenBody): string {
  const first = when.sequence?.steps?.[0] as { event?: string | readonly string[] } | undefined;
  return namesOf(first?.event);
}

function whereWords(where: string | undefined): string {
  return where === undefined ? '' : ` where ${where}`;
}

function boundWords(body: { above?: number | undefined; below?: number | undefined } | undefined): string {
  if (body?.above !== undefined) return `; fires above ${body.above}`;
  return body?.below === undefined ? '' : `; fires below ${body.below}`;
}

/** Names of an event pattern or a list of them, as one reads them. */
function namesOf(pattern: unknown): string {
  if (Array.isArray(pattern)) return pattern.map(namesOf).join(' or ');
  if (typeof pattern === 'string') return pattern === '*' ? 'any event' : pattern;
  const { event, where } = (pattern ?? {}) as { event?: unknown; where?: string };
  return event === undefined ? 'its event' : `${namesOf(event)}${whereWords(where)}`;
}

function pathLength(nodes: readonly { readonly parent: number }[], place: number): number {
  let length = 0;
  for (let at = place; at >= 0; at = nodes[at]!.parent) length++;
  return length;
}

function many(count: number, noun: string): string {
  const plural = noun.endsWith('ch') ? `${noun}es` : `${noun}s`;
  return `${count} ${count === 1 ? noun : plural}`;
}

function msOfWords(duration: string): number {
  return parseDuration(duration) ?? Infinity;
}
