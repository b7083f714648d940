// Since when the history is kept that count() and last() ask for: noted by the worker in its data folder, told by `check`.
//
// Owns: the file `history.json` in dataDir. Does not own: the history itself (state/entity/event-times.ts).
//
// Invariants:
//   H1. What no rule, segment or model asked for was not kept; a window is complete once it lies wholly after that.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '../../lib/duration.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Problem } from '../../lib/problem.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';

/** By `entity/event name`: since when it is kept, ms, and how far back. */
type Kept = Readonly<Record<string, { readonly since: number; readonly windowMs: number }>>;

/** To be called when a worker starts with these rules. Throws FatalError TRG_STATE_UNWRITABLE. */
export function noteHistory(dataDir: string, rules: RuleSet, now: number): void {
  const before = read(dataDir) ?? {};
  const after: Record<string, Kept[string]> = {};
  for (const { name, windowMs } of asked(rules))
    after[name] = { since: sinceOf(before[name], windowMs, now), windowMs };
  try {
    mkdirSync(dataDir, { recursive: true });
    // Written beside and put in place, so that a crash leaves the old file or the new one.
    writeFileSync(`${fileOf(dataDir)}.new`, `${JSON.stringify(after, null, 2)}\n`);
    renameSync(`${fileOf(dataDir)}.new`, fileOf(dataDir));
  } catch (cause) {
    throw new FatalError('TRG_STATE_UNWRITABLE', `${fileOf(dataDir)} cannot be written`, {}, cause);
  }
}

/** One warning for each window that is not complete yet where these rules are to run; none where no worker ever ran. */
export function incompleteHistory(dataDir: string, rules: RuleSet, now: number): readonly Problem[] {
  const kept = read(dataDir);
  if (kept === null) return [];
  return asked(rules).flatMap(({ name, entity, event, windowMs }) => {
    const since = sinceOf(kept[name], windowMs, now);
    const from = since + windowMs;
    if (from <= now && kept[name] !== undefined) return [];
    const window = windowMs === 0 ? 'the last one' : `windows of ${formatDuration(windowMs)}`;
    const message =
      `"${event}" of a ${entity} was not kept before ${new Date(since).toISOString()}: ${window} ` +
      (windowMs === 0 ? 'before that is not known' : `are complete from ${new Date(from).toISOString()}`);
    return [{ file: 'history', line: 0, column: 0, message, hint: null }];
  });
}

/** A longer window than before begins with what the shorter one kept. */
function sinceOf(known: Kept[string] | undefined, windowMs: number, now: number): number {
  if (known === undefined) return now;
  return windowMs <= known.windowMs ? known.since : Math.max(known.since, now - known.windowMs);
}

function asked(rules: RuleSet) {
  const entities = new Set([
    ...rules.rules.map((rule) => rule.entity),
    ...Array.from(rules.context.segments.values(), (segment) => segment.entity),
  ]);
  return [...entities].flatMap((entity) =>
    Array.from(rules.needs(entity).history, ([event, windowMs]) => ({
      name: `${entity}/${event}`,
      entity,
      event,
      windowMs,
    })),
  );
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'history.json');
}

/** Null: no worker ever ran here. */
function read(dataDir: string): Kept | null {
  try {
    return JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as Kept;
  } catch {
    return null;
  }
}
