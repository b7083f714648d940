// `all` and `any` as plain statements about the matches of their patterns, each found as if it stood alone.
//
//   C1. all: "the last match of each inner pattern lies in (t - within, t]"; "the matches are then used up".
//   C2. any: each match; with `within`, those in (t, t + within] after one that fired at t do not.
//   C3. Matches come in the order of evaluation: by time, an event's before a deadline's, of one event in the order of the
//       list; of deadlines at one time too.

import type { OracleMatch } from './match.ts';
import { durationMs } from './rule.ts';

interface Found {
  readonly match: OracleMatch;
  readonly list: number;
}

function inOrder(inner: readonly (readonly OracleMatch[])[]): Found[] {
  const found = inner.flatMap((matches, list) => matches.map((match) => ({ match, list })));
  return found.sort(
    (a, b) =>
      a.match.at - b.match.at ||
      Number(a.match.due) - Number(b.match.due) ||
      (a.match.due ? 0 : a.match.place - b.match.place) ||
      a.list - b.list,
  );
}

/** `timeOf` gives the time of an event by its id. */
export function together(
  within: string,
  inner: readonly (readonly OracleMatch[])[],
  timeOf: (messageId: string) => number,
): OracleMatch[] {
  const matches: OracleMatch[] = [];
  let waiting: Found[] = [];
  for (const found of inOrder(inner)) {
    waiting = [...waiting.filter(({ list }) => list !== found.list), found];
    waiting = waiting.filter(({ match }) => match.at > found.match.at - durationMs(within));
    if (waiting.length < inner.length) continue;
    const ids = [...new Set(waiting.flatMap(({ match }) => match.events))];
    const names = Object.assign({}, ...waiting.map(({ match }) => match.names), { event: found.match.names['event'] });
    matches.push({ ...found.match, names, events: ids.sort((a, b) => timeOf(a) - timeOf(b)) });
    waiting = [];
  }
  return matches;
}

export function either(within: string | undefined, inner: readonly (readonly OracleMatch[])[]): OracleMatch[] {
  const matches: OracleMatch[] = [];
  for (const { match } of inOrder(inner)) {
    const last = matches.at(-1);
    const belongs =
      within !== undefined && last !== undefined && match.at > last.at && match.at <= last.at + durationMs(within);
    if (!belongs) matches.push(match);
  }
  return matches;
}
