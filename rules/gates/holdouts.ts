// The file of hold-outs: a list of `{ group, share, exempt, entity }`, asked of every rule (global-holdout.ts).

import Type, { type Static } from 'typebox';
import { didYouMean } from '../../lib/suggest.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import { fields, type Loose, NAME_PATTERN, percent } from '../language/parts.ts';
import { type HeldOutShare, parseShare } from './held-out.ts';

/** Entities that no rule treats, but for those of exempt categories. */
export interface GlobalHoldout extends HeldOutShare {
  readonly name: string;
  /** Categories whose rules treat these entities all the same. */
  readonly exempt: ReadonlySet<string>;
  readonly entity: string;
}

/** An exempt category where it is written. */
export interface ExemptCategory {
  readonly category: string;
  readonly path: Path;
}

/** Above it nobody knows any more who is held out of what. */
const HOLDOUTS_MAX = 20;

const Holdout = fields({
  group: Type.String({
    pattern: NAME_PATTERN,
    description: 'Name of the group. A rule with `holdout: { group }` of this name holds out the same entities first.',
  }),
  share: percent('This share of entities is treated by no rule.'),
  exempt: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Categories of rules that treat them all the same. Those of `consent.always` in the configuration are exempt anyway.',
    }),
  ),
  entity: Type.Optional(
    Type.String({ minLength: 1, description: 'What is held out: user (default), or an entity of the configuration.' }),
  ),
});

export const HoldoutsSchema = Type.Array(Holdout, {
  maxItems: HOLDOUTS_MAX,
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Tripline hold-outs',
  description: 'Entities that no rule treats, to compare with: the same ones in every run.',
});

export type HoldoutsBody = Loose<Static<typeof HoldoutsSchema>>;

/** What a project's hold-outs come to; names that are used already are in `names`, to which those of this file are added. */
export function compileHoldouts(
  holdouts: HoldoutsBody,
  { entities, names }: { readonly entities: readonly string[]; readonly names: Set<string> },
  builder: RuleBuilder,
): { readonly holdouts: GlobalHoldout[]; readonly exempt: ExemptCategory[] } {
  const exempt: ExemptCategory[] = [];
  const compiled = holdouts.flatMap((holdout, index): GlobalHoldout[] => {
    const { group: name, share: text, entity = 'user' } = holdout ?? {};
    const categories = (holdout?.exempt ?? []).flatMap((category, place) => {
      if (category === undefined) return [];
      exempt.push({ category, path: [index, 'exempt', place] });
      return [category];
    });
    // What is missing, or has another form, was reported.
    if (name === undefined || text === undefined) return [];
    const share = parseShare(text);
    if (share === null) builder.error([index, 'share'], `a share is at most 100%, not ${text}`);
    if (names.has(name)) builder.error([index, 'group'], `the group "${name}" is held out already`);
    names.add(name);
    const known = ['user', ...entities];
    if (!known.includes(entity)) {
      const hint = didYouMean(entity, known, `known: ${known.join(', ')}`);
      builder.error([index, 'entity'], `unknown entity "${entity}"`, hint);
    }
    return [{ name, group: `group ${name}`, share: share ?? 0, exempt: new Set(categories), entity }];
  });
  return { holdouts: compiled, exempt };
}
