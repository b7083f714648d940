// Hold-out: a share of entities that a rule, or a group of rules, never treats (held-out.ts). The one over all rules is
// global-holdout.ts.

import Type from 'typebox';
import { fields, NAME_PATTERN, PERCENT_PATTERN } from '../language/parts.ts';
import { defineGate, type GateTools, REFUSED } from './gate.ts';
import { type HeldOutShare, isHeldOut, parseShare } from './held-out.ts';

const share = (description: string) =>
  Type.String({ pattern: PERCENT_PATTERN, description: `${description} Such as 10%.`, kind: 'percentage' });

const Holdout = Type.Union(
  [
    share('This share of entities is never treated.'),
    fields({
      share: share('This share of entities is never treated.'),
      group: Type.String({
        pattern: NAME_PATTERN,
        description: 'Rules with the same group hold out the same entities; default: the rule alone.',
      }),
    }),
  ],
  { description: 'Entities that are never treated, to compare with; the same ones in every run.' },
);

export const holdoutGate = defineGate({
  name: 'holdout',
  reason: 'holdout',
  fields: { holdout: Type.Optional(Holdout) },
  compile({ holdout }, tools) {
    const compiled = holdout === undefined ? null : compileHoldout(holdout, tools);
    if (compiled === null) return null;
    return {
      refusal: ({ entityKey }) => (isHeldOut(compiled, entityKey) ? REFUSED : null),
      isAsked: ({ around }) => around.withHoldouts,
      words: (_candidate, refused) => (refused ? 'this one is in the group that is held out, for good' : null),
    };
  },
});

type HoldoutBody = string | { readonly share?: string | undefined; readonly group?: string | undefined };

function compileHoldout(holdout: HoldoutBody, tools: GateTools): HeldOutShare | null {
  const isText = typeof holdout === 'string';
  const text = isText ? holdout : holdout.share;
  // What is missing, or has another form, was reported.
  if (text === undefined) return null;
  const parsed = parseShare(text);
  if (parsed !== null) return { share: parsed, group: isText ? `rule ${tools.rule}` : `group ${holdout.group ?? ''}` };
  tools.error(isText ? ['holdout'] : ['holdout', 'share'], `a share is at most 100%, not ${text}`);
  return null;
}
