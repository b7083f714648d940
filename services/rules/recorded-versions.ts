// The versions of the rules that journals name, for whoever runs tasks again.

import type { RulesCheck } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { publicTopics } from '../../topology/topics.ts';
import type { RuleVersionsKnown } from '../service-context.ts';

/** `watched`: the rules in another's clothes, which decide the same; left out: themselves. */
export function recordedVersions(
  prefix: string,
  book: Pick<RuleVersionsKnown, 'version' | 'inForce'>,
  watched: (checked: RulesCheck) => RuleSet = ({ ruleSet }) => ruleSet,
): RuleVersions {
  return new RuleVersions({
    topic: publicTopics(prefix).rules,
    initial: watched(book.inForce().rules),
    compile: (version) => {
      const checked = book.version(version);
      return checked === undefined ? undefined : watched(checked);
    },
  });
}
