// Whether what templates show is there: each variable of a template against the rules that send it.
//
// Owns: the comparison. Does not own: which variables a template has (connectors/channels/templates), what an action
// carries (processors/decide/actions.ts).
//
// A variable that is not there shows as nothing, and a sentence lacks a word: a warning, since a template may ask for it.

import type { Template } from '../../connectors/channels/templates/template-file.ts';
import type { Templates } from '../../connectors/channels/templates/templates.ts';
import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { EVENT_FIELDS } from '../../rules/expressions/functions.ts';
import { DIGEST_NAMES } from '../../rules/flows/digest.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { KnownEvents } from '../../rules/project/known-events.ts';

/** What every template may show, beside the captures of the rule (docs/templates.md). */
const ROOTS = ['data', 'event', 'profile', 'entity', 'rule', 'at', 'unsubscribeUrl', 'preferencesUrl'];
const EVENT_NAMES = Object.keys(EVENT_FIELDS);
const ENTITY_FIELDS = ['type', 'id'];
/** Of the properties that there are. */
const NAMES_SHOWN_MAX = 8;
const LIST_FIELDS = ['size', 'first', 'last'];

/** `events`: what has been seen of events; left out: their properties are not compared. */
export function undefinedVariables(
  rules: readonly CompiledRule[],
  templates: Templates,
  events?: KnownEvents | undefined,
): Problem[] {
  return Array.from(templates.all(), ({ name, channel, template }) => {
    const sends = (rule: CompiledRule) =>
      rule.program.sends.filter((send) => send.template === name && (send.isAuto || send.channels.includes(channel)));
    const senders = rules.flatMap(sends);
    if (senders.length === 0) return [];
    const properties =
      events === undefined
        ? null
        : seenProperties(
            rules.filter((rule) => sends(rule).length > 0),
            events,
          );
    return [...problemsOf(template, senders), ...(properties === null ? [] : unseenIn(template, properties))];
  }).flat();
}

/** What the events have had that the rules wait for, by the names of the properties; null: not known of all of them. */
function seenProperties(rules: readonly CompiledRule[], events: KnownEvents): ReadonlySet<string> | null {
  const seen = new Set<string>();
  for (const { pattern } of rules) {
    if (pattern.interests === '*') return null;
    for (const name of pattern.interests) {
      const own = events.properties(name);
      if (own === null) return null;
      for (const property of own) seen.add(property);
    }
  }
  return seen;
}

function unseenIn({ file, variables }: Template, seen: ReadonlySet<string>): Problem[] {
  const told = new Set<string>();
  return variables().flatMap(({ path: [root, field, name], line, column }) => {
    if (root !== 'event' || field !== 'properties' || name === undefined || seen.has(name) || told.has(name)) return [];
    told.add(name);
    const there = [...seen].sort().slice(0, NAMES_SHOWN_MAX);
    const hint = didYouMean(name, seen, there.length === 0 ? null : `there is ${there.join(', ')}`);
    const message = `no event that the rules wait for has had "event.properties.${name}"`;
    return [{ file, line, column, message, hint }];
  });
}

/** One problem a name; what one of the senders gives is there, as a template may ask whether it is. */
function problemsOf({ file, variables }: Template, senders: readonly CompiledSend[]): Problem[] {
  const gathered = senders.some(({ digest }) => digest !== null) ? DIGEST_NAMES : [];
  const captures = new Set([...senders.flatMap((sender) => sender.captures), ...gathered]);
  const dataNames = new Set(senders.flatMap((sender) => sender.dataNames));
  const seen = new Set<string>();
  return variables().flatMap(({ path: [root = '', field], line, column }) => {
    const known = namesBeside(root, field, captures, dataNames);
    const text = field === undefined ? root : `${root}.${field}`;
    if (known === null || seen.has(text)) return [];
    seen.add(text);
    const there = known.length === 0 ? 'they give no data' : `there is ${known.join(', ')}`;
    const word = ROOTS.includes(root) || captures.has(root) ? (field ?? root) : root;
    const hint = didYouMean(word, known, there);
    return [{ file, line, column, message: `no rule that sends this gives "${text}", so it shows nothing`, hint }];
  });
}

/** What could be meant instead of a name that is not there; null: it is. */
function namesBeside(
  root: string,
  field: string | undefined,
  captures: ReadonlySet<string>,
  dataNames: ReadonlySet<string>,
): readonly string[] | null {
  if (!ROOTS.includes(root) && !captures.has(root)) return [...ROOTS, ...captures];
  if (field === undefined) return null;
  if (root === 'data') return dataNames.has(field) ? null : [...dataNames];
  if (root === 'entity') return ENTITY_FIELDS.includes(field) ? null : ENTITY_FIELDS;
  // What is in an item is as its matches were.
  if ((DIGEST_NAMES as readonly string[]).includes(root)) return null;
  // Of a list of events, what stands after it is a place or a figure of the list.
  const isEvent = root === 'event' || captures.has(root);
  return !isEvent || EVENT_NAMES.includes(field) || LIST_FIELDS.includes(field) ? null : EVENT_NAMES;
}
