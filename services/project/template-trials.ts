// Templates rendered for a trial, before anybody gets them: with what the rules' inline tests would send, and where there is none of
// these, with something made up for everything that they show.
//
// Owns: samples, and what is to be said of a trial. Does not own: names that no rule gives (template-variables.ts).
//
// Invariants:
//   T1. What fails with a test's data is a mistake, but for what is missing: a test may leave out what people have. That is worth
//       a warning where something else of the same is there, as with a typo.
//   T2. Of made-up data only what takes too long or gives too much is told: the rest would be the data's fault.

import { relative } from 'node:path';
import type { LiquidScope, LiquidVariable } from '../../connectors/channels/templates/liquid.ts';
import type { Template } from '../../connectors/channels/templates/template-file.ts';
import { templateScope } from '../../connectors/channels/templates/templates.ts';
import { RecordError } from '../../lib/errors.ts';
import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { Action } from '../../schemas/action.ts';
import { isJsonObject } from '../../schemas/json.ts';
import { runTest, type TestOptions } from '../rule-tests/run-tests.ts';
import type { Project } from './load-project.ts';

/** A message that a test would send. */
interface Sample {
  readonly test: string;
  readonly action: Action;
}

export interface Trials {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Links that a mail has, and no test. */
const LINKS: LiquidScope = {
  unsubscribeUrl: 'https://example.com/unsubscribe',
  preferencesUrl: 'https://example.com/preferences',
};
/** Some of each template's samples are as good as all. */
const SAMPLES_MAX = 50;
/** Their templates stand in the place of `data`. */
const DATA_CHANNELS: ReadonlySet<string> = new Set(['webhook', 'pagerduty']);
const TOO_MUCH = /limit exceeded$|^template: gives \d+ characters/;

/** `folder`: what paths are shown relative to. A project with mistakes is tried once they are mended. */
export async function tryTemplates(project: Project, folder: string, options: TestOptions): Promise<Trials> {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  if (project.errors.length > 0) return { errors, warnings };
  const samples = await samplesOf(project, options);
  for (const templates of project.templates) {
    for (const { name, channel, template } of templates.all()) {
      const own = (samples.get(name) ?? []).slice(0, SAMPLES_MAX);
      const file = relative(folder, template.file);
      const failure = own.length === 0 ? failureOfMadeUp(template) : failureOf(template, channel, own);
      if (failure !== null) errors.push({ file, line: 0, column: 0, message: failure, hint: null });
      warnings.push(...missingIn(template, own).map((problem) => ({ file, ...problem })));
    }
  }
  return { errors, warnings };
}

/** By the name of the template. */
async function samplesOf({ rules }: Project, options: TestOptions): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const sending = new Set(
    rules.rules.filter(({ program }) => program.sends.some(({ template }) => template !== null)).map(({ id }) => id),
  );
  const samples: Sample[] = [];
  for (const test of rules.tests) {
    if (!sending.has(test.rule)) continue;
    const { actions } = await runTest(test, rules.ruleSet, options);
    samples.push(...actions.map((action) => ({ test: test.name, action })));
  }
  return Map.groupBy(samples, ({ action }) => action.template ?? '');
}

function scopeOf({ action }: Sample): LiquidScope {
  return { ...templateScope(action), ...LINKS };
}

function failureOf(template: Template, channel: string, samples: readonly Sample[]): string | null {
  for (const sample of samples) {
    try {
      const { body, isJson } = template.trial(scopeOf(sample));
      const isData = DATA_CHANNELS.has(channel) || (channel === 'slack' && isJson);
      if (isData && !isParsable(body)) {
        return `with the data of the test "${sample.test}" it does not give JSON: write values as {{ name | json }}`;
      }
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      return `with the data of the test "${sample.test}": ${error.message}`;
    }
  }
  return null;
}

function isParsable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function failureOfMadeUp(template: Template): string | null {
  const scope: Record<string, unknown> = { ...LINKS };
  for (const { path } of template.variables()) {
    let place = scope;
    for (const [depth, name] of path.entries()) {
      const isLast = depth === path.length - 1;
      if (isLast) place[name] ??= 'sample';
      else if (typeof place[name] !== 'object') place[name] = {};
      if (!isLast) place = place[name] as Record<string, unknown>;
    }
  }
  try {
    template.trial(scope);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    if (TOO_MUCH.test(error.message)) return error.message;
  }
  return null;
}

/** What none of the samples has, while they have others beside it (T1). */
function missingIn(template: Template, samples: readonly Sample[]): Omit<Problem, 'file'>[] {
  if (samples.length === 0) return [];
  const scopes = samples.map(scopeOf);
  const missing = scopes.map((scope) => missingOf(template, scope));
  const inAll = [...missing[0]!].filter((text) => missing.every((each) => each.has(text)));
  return inAll.flatMap((text) => {
    const variable = template.variables().find(({ path }) => text === path.join('.'));
    if (variable === undefined) return [];
    const beside = namesBeside(variable, scopes);
    if (beside.length === 0) return [];
    const hint = didYouMean(variable.path.at(-1)!, beside, `there is ${beside.join(', ')}`);
    const message = `no test of the rules that send this has "${text}", so it shows nothing`;
    return [{ line: variable.line, column: variable.column, message, hint }];
  });
}

function missingOf(template: Template, scope: LiquidScope): ReadonlySet<string> {
  try {
    return new Set(template.trial(scope).missing);
  } catch {
    // Told already, as what failed.
    return new Set();
  }
}

function namesBeside({ path }: LiquidVariable, scopes: readonly LiquidScope[]): string[] {
  const names = scopes.flatMap((scope) => {
    let place: unknown = scope;
    for (const name of path.slice(0, -1)) place = isJsonObject(place) ? place[name] : undefined;
    return isJsonObject(place) && path.length > 1 ? Object.keys(place) : [];
  });
  return [...new Set(names)].sort();
}
