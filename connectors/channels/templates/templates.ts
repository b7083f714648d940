// The messages' templates: `templates/<name>/<channel>[.<locale>].liquid`, read and checked at start.
//
// Owns: which there are, choosing by locale, what a template may show. Does not own: what is in a file (template-file.ts).
//
// Invariants:
//   T1. Nothing outside of the folder is read, whatever symbolic links say.

import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { RecordError } from '../../../lib/errors.ts';
import type { Problem } from '../../../lib/problem.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { notTextProblem, readTextFile } from '../../../lib/text-file.ts';
import type { Action } from '../../../schemas/action.ts';
import { builtInTemplate } from './built-in.ts';
import type { LiquidScope } from './liquid.ts';
import { parseTemplate, type Rendered, type Template } from './template-file.ts';

/** All templates by `<name>/<channel>[.<locale>]`, locales in lower case. */
export class Templates {
  readonly #byPath: ReadonlyMap<string, Template>;
  readonly #broken: ReadonlySet<string>;
  readonly #types: ReadonlyMap<string, string>;
  readonly #told: (missing: readonly string[]) => void;

  /**
   * `broken`: those that are there and have mistakes, by `<name>/<channel>[.<locale>]` too. `types`: of channels that have a name of
   * their own, what they are. `told`: of each message, what it shows and was not there.
   */
  constructor(
    byPath: ReadonlyMap<string, Template>,
    types: ReadonlyMap<string, string> = new Map(),
    broken: ReadonlySet<string> = new Set(),
    told: (missing: readonly string[]) => void = () => {},
  ) {
    this.#byPath = byPath;
    this.#types = types;
    this.#broken = broken;
    this.#told = told;
  }

  /** The same templates, of which somebody is told what was missing. */
  listening(told: (missing: readonly string[]) => void): Templates {
    return new Templates(this.#byPath, this.#types, this.#broken, told);
  }

  /** Whether there is one for people of any locale, also one with mistakes. */
  has(name: string, channel: string): boolean {
    return [channel, this.#types.get(channel)].some((each) => {
      const path = `${name}/${each}`;
      return this.#byPath.has(path) || this.#broken.has(path);
    });
  }

  *all(): Generator<{ readonly name: string; readonly channel: string; readonly template: Template }> {
    for (const [path, template] of this.#byPath) {
      const [name = '', file = ''] = path.split('/');
      yield { name, channel: file.split('.', 1)[0]!, template };
    }
  }

  /**
   * The channel's template, else that of its type; of each the one in the locale asked for (`de-AT`), else in its language
   * (`de`), else the one without a locale.
   */
  find(name: string, channel: string, locale: string | null): Template | undefined {
    return this.#inLocale(name, channel, locale) ?? this.#ofType(name, channel, locale);
  }

  #ofType(name: string, channel: string, locale: string | null): Template | undefined {
    const type = this.#types.get(channel);
    return type === undefined ? undefined : this.#inLocale(name, type, locale);
  }

  #inLocale(name: string, channel: string, locale: string | null): Template | undefined {
    const parts = locale === null ? [] : locale.toLowerCase().replaceAll('_', '-').split('-');
    for (let length = parts.length; length > 0; length--) {
      const found = this.#byPath.get(`${name}/${channel}.${parts.slice(0, length).join('-')}`);
      if (found !== undefined) return found;
    }
    return this.#byPath.get(`${name}/${channel}`) ?? builtInTemplate(name);
  }

  /** The action's message; `links`: what templates may show of it besides. Throws RecordError TRG_TEMPLATE_FAILED. */
  render(action: Action, links: LiquidScope = {}): Rendered {
    if (action.template === null) {
      throw new RecordError('TRG_TEMPLATE_FAILED', `the rule names no template for channel ${action.channel}`);
    }
    const profile = action.context['profile'] as { locale?: unknown } | undefined;
    const locale = typeof profile?.locale === 'string' ? profile.locale : null;
    const template = this.find(action.template, action.channel, locale);
    if (template === undefined) {
      const type = this.#types.get(action.channel);
      const ofType = type === undefined ? '' : `, nor ${action.template}/${type}.liquid`;
      const message = `there is no template ${action.template}/${action.channel}.liquid${ofType}`;
      throw new RecordError('TRG_TEMPLATE_FAILED', message);
    }
    const rendered = template.render({ ...templateScope(action), ...links });
    if (rendered.missing.length > 0) this.#told(rendered.missing);
    return rendered;
  }
}

/** What templates may show: event, captures and profile by name; data, entity, rule, and at in ISO-8601. */
export function templateScope(action: Action): LiquidScope {
  return {
    ...action.context,
    data: action.data,
    entity: { type: action.entity.type, id: action.entity.id },
    rule: action.rule,
    at: new Date(action.at).toISOString(),
  };
}

/** Reads all templates below `folder`; with problems, the templates that have some are left out. `types`: as Templates has it. */
export function loadTemplates(
  folder: string,
  channels: readonly string[],
  types: ReadonlyMap<string, string> = new Map(),
): { templates: Templates; problems: readonly Problem[] } {
  const byPath = new Map<string, Template>();
  const broken = new Set<string>();
  const problems: Problem[] = [];
  for (const name of list(folder, 'directory', folder, problems)) {
    for (const fileName of list(join(folder, name), 'file', folder, problems)) {
      const file = join(folder, name, fileName);
      const parts = /^([^.]+)(?:\.([A-Za-z0-9_-]+))?\.liquid$/.exec(fileName);
      const [, channel = '', locale] = parts ?? [];
      if (!channels.includes(channel)) {
        const hint = didYouMean(channel, channels, `<channel>[.<locale>].liquid, channels: ${channels.join(', ')}`);
        problems.push({ file, line: 0, column: 0, message: 'a template is named after its channel', hint });
        continue;
      }
      const template = readTemplate(file, problems);
      const key = locale === undefined ? channel : `${channel}.${locale.toLowerCase().replaceAll('_', '-')}`;
      if (template === null) broken.add(`${name}/${key}`);
      else byPath.set(`${name}/${key}`, template);
    }
  }
  for (const path of byPath.keys()) {
    const [forAll] = path.split('.');
    if (byPath.has(forAll!) || problems.length > 0) continue;
    const file = join(folder, `${forAll}.liquid`);
    const hint = 'it is for people of all other locales';
    problems.push({ file, line: 0, column: 0, message: `is missing, while ${path}.liquid is there`, hint });
  }
  return { templates: new Templates(byPath, types, broken), problems };
}

/** Twice as much as a template may have of characters (liquid.ts), however they are encoded. */
const FILE_BYTES_MAX = 2 * 1024 * 1024;

/** Names below `folder` in order; hidden ones are left out, and links that lead out of `root` (T1). */
function list(folder: string, kind: 'directory' | 'file', root: string, problems: Problem[]): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.') && kindOf(entry, folder) === kind)
      .filter((entry) => !entry.isSymbolicLink() || staysInside(join(folder, entry.name), root, problems))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    const hint = folder === root ? 'the setting `templates` names the folder' : null;
    problems.push({ file: folder, line: 0, column: 0, message: `cannot be read: ${(error as Error).message}`, hint });
    return [];
  }
}

/** Of a link, what it leads to; what cannot be followed is refused as a file. */
function kindOf(entry: Dirent, folder: string): 'directory' | 'file' {
  if (!entry.isSymbolicLink()) return entry.isDirectory() ? 'directory' : 'file';
  const leadsTo = statSync(join(folder, entry.name), { throwIfNoEntry: false });
  return leadsTo?.isDirectory() === true ? 'directory' : 'file';
}

function staysInside(path: string, root: string, problems: Problem[]): boolean {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    // Whoever reads it says why it cannot be followed.
    return true;
  }
  if (real.startsWith(realpathSync(root) + sep)) return true;
  const message = 'is a symbolic link that leads out of the folder of templates';
  problems.push({ file: path, line: 0, column: 0, message, hint: 'put the file itself here' });
  return false;
}

function readTemplate(file: string, problems: Problem[]): Template | null {
  let text: string;
  try {
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > FILE_BYTES_MAX) throw new Error(`it has ${bytes} bytes, at most ${FILE_BYTES_MAX}`);
    text = readTextFile(file).replaceAll('\r\n', '\n');
  } catch (error) {
    const notText = notTextProblem(error, file);
    problems.push(
      notText ?? { file, line: 0, column: 0, message: `cannot be read: ${(error as Error).message}`, hint: null },
    );
    return null;
  }
  return parseTemplate(file, text, problems);
}
