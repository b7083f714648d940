// Hold-out: a share of entities that a rule, or a group of rules, never treats.
//
// Invariants:
//   O1. Who is held out follows from the group (or rule) and the entity alone: the same in every run, and whatever the
//       share, so that a larger share holds out everyone that a smaller one did.

import { hash } from 'node:crypto';
import Type from 'typebox';
import { fields, NAME_PATTERN, PERCENT_PATTERN } from '../language/parts.ts';
import { defineGate, type GateTools, REFUSED } from './gate.ts';

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

interface Holdout {
  /** 0 to 1. */
  readonly share: number;
  /** Rules with the same group hold out the same entities; the rule's own id by default. */
  readonly group: string;
}

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

function compileHoldout(holdout: HoldoutBody, tools: GateTools): Holdout | null {
  const isText = typeof holdout === 'string';
  const text = isText ? holdout : holdout.share;
  // What is missing, or has another form, was reported.
  if (text === undefined) return null;
  const parsed = parseShare(text);
  if (parsed !== null) return { share: parsed, group: isText ? `rule ${tools.rule}` : `group ${holdout.group ?? ''}` };
  tools.error(isText ? ['holdout'] : ['holdout', 'share'], `a share is at most 100%, not ${text}`);
  return null;
}

/** A share from `10%`; null when it is none, or above 100 %. */
export function parseShare(text: string): number | null {
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  return share >= 0 && share <= 1 ? share : null;
}

/** `entityKey`: type/id. */
export function isHeldOut({ share, group }: Holdout, entityKey: string): boolean {
  const place = Number.parseInt(hash('sha256', `hold-out\0${group}\0${entityKey}`).slice(0, 8), 16);
  return place / 0x1_0000_0000 < share;
}
