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

/** What every template may show, beside the captures of the rule (docs/rules.md, Templates). */
const ROOTS = ['data', 'event', 'profile', 'entity', 'rule', 'at', 'unsubscribeUrl', 'preferencesUrl'];
const EVENT_NAMES = Object.keys(EVENT_FIELDS);
const ENTITY_FIELDS = ['type', 'id'];
const LIST_FIELDS = ['size', 'first', 'last'];

export function undefinedVariables(rules: readonly CompiledRule[], templates: Templates): Problem[] {
  return Array.from(templates.all(), ({ name, channel, template }) => {
    const sends = rules.flatMap((rule) => rule.sends);
    const senders = sends.filter((send) => send.template === name && (send.isAuto || send.channels.includes(channel)));
    return senders.length === 0 ? [] : problemsOf(template, senders);
  }).flat();
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
