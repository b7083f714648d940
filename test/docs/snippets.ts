// The YAML snippets of a page, section by section.

import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { type ContextFiles, checkRules, type RuleFile, type RulesCheck } from '../../rules/index.ts';

export interface Section {
  /** The nearest heading above. */
  readonly title: string;
  /** ```yaml: a rule, or fields of one. */
  readonly rules: readonly string[];
  /** ```yml: a file of the project, or several separated by ---, each with its path as a comment in the first line. */
  readonly files: readonly string[];
}

export function sectionsOf(page: string): Section[] {
  return page.split(/^#{2,4} /m).map((text) => ({
    title: text.split('\n', 1)[0]!,
    rules: [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, snippet]) => snippet!),
    files: [...text.matchAll(/^```yml\n(.*?)^```/gms)].map(([, snippet]) => snippet!),
  }));
}

/** Throws with every mistake. */
export function checkSnippets(title: string, rules: readonly string[], files: readonly string[]): RulesCheck {
  const byFolder: Record<string, RuleFile[]> = { rules: [], segments: [], models: [], caps: [], holdouts: [] };
  rules.forEach((text, index) => {
    byFolder['rules']!.push({ file: `${title}, rule ${index + 1}`, text: wholeRule(text) });
  });
  let folder = '';
  for (const text of files.flatMap((file) => file.split(/^---\n/m))) {
    folder = /^# (\w+)/.exec(text)?.[1] ?? folder;
    if (byFolder[folder] === undefined) throw new Error(`${title}: a snippet of no known folder\n${text}`);
    byFolder[folder]!.push({ file: `${title}, ${folder}`, text });
  }
  const { segments, models, caps, holdouts } = byFolder as Required<ContextFiles> & typeof byFolder;
  const checked = checkRules(byFolder['rules']!, {
    context: { segments: segments!, models: models!, caps: caps!, holdouts: holdouts! },
    outOfOrdernessMs: 5_000,
    entities: ['device', 'product'],
    channels: channelTraits({}),
  });
  if (checked.errors.length > 0) throw new Error(checked.errors.map(formatProblem).join('\n'));
  return checked;
}

/** A snippet of some fields becomes a rule of its own. */
function wholeRule(text: string): string {
  const id = /^id: /m.test(text) ? '' : 'id: snippet\n';
  const pattern = /^when:/m.test(text) ? '' : 'when: { event: add, as: cart }\n';
  return id + pattern + text;
}
