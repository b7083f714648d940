// The files of a new project: one of the examples, set up so that it runs with nothing else installed.
//
// Owns: what is in the folder. Does not own: writing it (the command), the examples themselves (examples/).
//
// Invariants:
//   I1. Every message is printed: channels of the example are there as comments, the `log` channel stands in for them.
//   I2. The sample of events is made of the rules' own tests, each with people of its own, so that each rule has something to do.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_FOLDER } from '../../lib/package-folder.ts';
import type { InlineTest } from '../../rules/index.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { loadFlawlessProject } from '../project/load-project.ts';
import { EXAMPLES } from './examples.ts';

/** Key with which events are sent to a worker that listens on this machine alone. */
const WRITE_KEY = 'dev';
const SCHEMAS = ['rule', 'segment', 'model', 'caps', 'holdouts'];
/** Kinds of an example's files that a project begins with; its sample of events is made anew (I2). */
const CARRIED = /^(rules|templates|segments|models)\/|^(caps|holdouts)\.yaml$/;

/** Text by path, from the project's folder. `command` is how Tripline is called there. */
export function newProject(example: string, command: string): ReadonlyMap<string, string> {
  const folder = fileURLToPath(new URL(`examples/${example}/`, PACKAGE_FOLDER));
  const { config } = loadConfig({ file: 'tripline.yaml', folder, env: {}, withoutSecrets: true });
  const { rules } = loadFlawlessProject({ paths: ['.'], folder, config });
  const files = new Map<string, string>();
  files.set('README.md', readme(example, command));
  files.set('tripline.yaml', printing(readFileSync(join(folder, 'tripline.yaml'), 'utf8')));
  files.set('events.jsonl', sampleOf(rules.tests, config));
  files.set('.gitignore', 'node_modules/\ndata/\nout/\n');
  for (const [path, text] of editorFiles()) files.set(path, text);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/');
    if (entry.isFile() && CARRIED.test(path)) files.set(path, withOwnSchema(readFileSync(join(folder, path), 'utf8')));
  }
  return files;
}

/** I1. */
function printing(config: string): string {
  const channels = /^channels:\n((?: {2}.*\n)+)/m;
  return config
    .replace(channels, (_, own: string) =>
      [
        'channels:',
        '  # Prints what would be sent, for every channel that has no settings here. Take it out once you send for real.',
        '  log: { standIn: true }',
        ...own.trimEnd().split('\n').map(commented),
        '',
      ].join('\n'),
    )
    .replace(/"\$\{WRITE_KEY\}"/, () => `"\${WRITE_KEY:-${WRITE_KEY}}"`)
    .replace(/ ?docs\/configuration\.md lists every setting\.|^# docs\/configuration.*\n/m, '');
}

function commented(line: string): string {
  return /^ {2}#/.test(line) ? line : `  # ${line.trimStart()}`;
}

function withOwnSchema(text: string): string {
  return text.replace(/^(# yaml-language-server: \$schema=)(?:\.\.\/)+schemas\/(.+)$/m, (_, start, name: string) => {
    return `${start}${/^(caps|holdouts)\./.test(name) ? '' : '../'}.vscode/${name}`;
  });
}

/** The schemas are the project's own, so that an editor finds them wherever Tripline is installed. */
function editorFiles(): [string, string][] {
  const text = (name: string): string => readFileSync(new URL(`schemas/${name}.schema.json`, PACKAGE_FOLDER), 'utf8');
  const settings = {
    'yaml.schemas': {
      './.vscode/rule.schema.json': 'rules/**/*.yaml',
      './.vscode/segment.schema.json': 'segments/**/*.yaml',
      './.vscode/model.schema.json': 'models/**/*.yaml',
      './.vscode/caps.schema.json': 'caps.yaml',
      './.vscode/holdouts.schema.json': 'holdouts.yaml',
    },
  };
  return [
    ['.vscode/settings.json', `${JSON.stringify(settings, null, 2)}\n`],
    ['.vscode/extensions.json', `${JSON.stringify({ recommendations: ['redhat.vscode-yaml'] }, null, 2)}\n`],
    ...SCHEMAS.map((name): [string, string] => [`.vscode/${name}.schema.json`, text(name)]),
  ];
}

/** I2. */
function sampleOf(tests: readonly InlineTest[], config: Config): string {
  const events = tests.flatMap(({ given, entity }, test) =>
    given.map((each, index) => {
      const id = `${each.entityId}-${test + 1}`;
      const message: JsonObject = {
        type: each.type,
        messageId: each.messageId === null ? `sample-${test + 1}-${index + 1}` : `${each.messageId}-${test + 1}`,
        ...aboutEntity(entity, id, config, each.properties),
        ...(each.type === 'track' && { event: each.event }),
        timestamp: new Date(each.at).toISOString(),
        ...(Object.keys(each.traits).length > 0 && { traits: each.traits }),
        ...(Object.keys(each.context).length > 0 && { context: each.context }),
      };
      return { at: each.at, line: JSON.stringify(message) };
    }),
  );
  return events
    .sort((a, b) => a.at - b.at)
    .map(({ line }) => `${line}\n`)
    .join('');
}

function aboutEntity(entity: string, id: string, config: Config, properties: JsonObject): JsonObject {
  if (entity === 'user') return { userId: id, properties };
  const name = config.entities[entity]!.id.replace(/^properties\./, '');
  return { anonymousId: 'sample', properties: { ...properties, [name]: id } };
}

function readme(example: string, command: string): string {
  const { about, first, fires } = EXAMPLES[example]!;
  return `# ${example}

Rules for ${about}. Change them; their tests say whether they still do what they should.

    ${command} check .            # every mistake in rules and templates
    ${command} test rules         # the tests inside the rules; --watch: again at every change
    ${command} backtest --rules rules --events events.jsonl --out out --advance-to end
    ${command} run                # the worker; messages are printed (tripline.yaml, channels)

While it runs, in another terminal; the rule \`${fires}\` fires:

    curl -u ${WRITE_KEY}: http://127.0.0.1:8080/v1/track -d '${JSON.stringify(first)}'
    ${command} decisions
`;
}
