// Who may import whom (docs/architecture.md), which file owns which library or primitive, and no circles.
//
// Owns: the rules below and finding breaches. verify.ts runs it; test/scripts tries it on sources made up.
//
// Invariants:
//   C1. Imports go to the left of ORDER, and within a folder to the left of its ROOMS where it has some.
//   C2. No file and no room comes back to itself by imports, those of types alone included.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each imports only from itself and from what stands before it. */
const ORDER = ['lib', 'schemas', 'rules', 'state', 'processors', 'topology', 'connectors', 'services', 'apps'];

/**
 * Rooms of a folder, in the order in which they may import each other; what stands in the folder beside its rooms may import
 * all of them, and is imported by none of them.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  rules: ['language', 'expressions', 'patterns', 'gates', 'flows', 'models', 'project'],
  state: ['store', 'entity'],
  processors: ['decide', 'intake', 'evaluate'],
  topology: ['engine'],
  connectors: ['logs', 'http', 'sources', 'models', 'channels', 'feedback'],
  apps: ['http', 'worker', 'demo', 'cli'],
};

/** Rooms that must know nothing of what lies elsewhere, though it is to the left: the engine is a library of its own. */
const WALLS: readonly { readonly room: string; readonly knowsNothingOf: readonly string[] }[] = [
  'state/store/',
  'topology/engine/',
  'connectors/logs/',
].map((room) => ({ room, knowsNothingOf: ['rules/', 'processors/', 'state/entity/'] }));
/** Folders beside the order, with what of our own code they may import; anything else may be imported by nobody. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  testing: ['testing', ...ORDER.filter((folder) => folder !== 'apps')],
  test: ['test', 'testing', 'scripts', 'benchmarks', ...ORDER],
  benchmarks: ['benchmarks', 'testing', ...ORDER],
  scripts: ['scripts', 'testing', ...ORDER],
  examples: ['examples'],
};

/** The demo delivers to stand-ins of providers, which are shipped and know nothing else of ours. */
const LENT = { to: 'apps/demo/', room: 'testing/providers/' };

interface Owned {
  readonly what: string;
  /** A library, by name, or a use in the code. */
  readonly library?: string;
  readonly use?: RegExp;
  readonly owners: readonly string[];
}

/** One place to change when the library or the primitive has to go. Shipped code only; tests and tools are free. */
const OWNED: readonly Owned[] = [
  { what: 'avsc', library: 'avsc', owners: ['schemas/codec.ts', 'schemas/avro-json.ts'] },
  { what: 'classic-level', library: 'classic-level', owners: ['state/store/level-store.ts'] },
  { what: 'the Kafka client', library: '@platformatic/kafka', owners: ['connectors/logs/kafka/'] },
  { what: 'hyparquet', library: 'hyparquet', owners: ['connectors/sources/files/parquet.ts'] },
  {
    what: 'hyparquet-compressors',
    library: 'hyparquet-compressors',
    owners: ['connectors/sources/files/parquet.ts'],
  },
  { what: 're2js', library: 're2js', owners: ['rules/expressions/regular-expression.ts'] },
  { what: 'html-to-text', library: 'html-to-text', owners: ['connectors/channels/email/plain-text.ts'] },
  { what: 'libphonenumber-js', library: 'libphonenumber-js', owners: ['connectors/channels/sms/message.ts'] },
  { what: 'the SDK of AWS', library: '@aws-sdk/client-sesv2', owners: ['connectors/channels/email/ses.ts'] },
  { what: 'google-auth-library', library: 'google-auth-library', owners: ['connectors/channels/push/google-token.ts'] },
  { what: 'web-push', library: 'web-push', owners: ['connectors/channels/push/web.ts'] },
  { what: 'jose', library: 'jose', owners: ['connectors/channels/push/', 'apps/http/inapp/user-token.ts'] },
  { what: 'smtp-server', library: 'smtp-server', owners: ['apps/demo/smtp-sink.ts'] },
  { what: 'cli-progress', library: 'cli-progress', owners: ['apps/cli/progress.ts'] },
  { what: 'Ajv', library: 'ajv', owners: ['lib/schema-check.ts', 'lib/schema-words.ts'] },
  { what: 'cel-js', library: '@marcbachmann/cel-js', owners: ['rules/'] },
  { what: 'the wall clock', use: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, owners: ['lib/clock.ts'] },
  { what: 'timers', use: /\bset(Timeout|Interval)\s*\(|['"](node:)?timers/, owners: ['lib/clock.ts'] },
  {
    what: 'randomness',
    use: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b/,
    owners: ['lib/rng.ts'],
  },
];

export interface SourceText {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly from: string;
  readonly line: number;
}

/** All breaches, as `file:line: message`. */
export function checkImports(sources: readonly SourceText[]): string[] {
  const breaches: string[] = [];
  const files = new Map<string, string[]>();
  for (const { path, text } of sources) {
    const code = withoutComments(text);
    const imports = importsOf(code);
    const targets: string[] = [];
    for (const { from, line } of imports) {
      if (!from.startsWith('.')) continue;
      const target = posix.join(posix.dirname(path), from);
      targets.push(target);
      const breach = directionBreach(path, target) ?? roomBreach(path, target) ?? wallBreach(path, target);
      if (breach !== null) breaches.push(`${path}:${line}: ${breach}`);
    }
    files.set(path, targets);
    if (ORDER.includes(folderOf(path))) breaches.push(...ownerBreaches(path, code, imports));
  }
  return [...breaches, ...circles(files), ...circles(roomGraph(files))];
}

function directionBreach(path: string, target: string): string | null {
  const folder = folderOf(path);
  const to = folderOf(target);
  const position = ORDER.indexOf(folder);
  const allowed = position === -1 ? (BESIDE[folder] ?? []) : ORDER.slice(0, position + 1);
  // Data files of the root, such as package.json, belong to nobody.
  if (path.startsWith(LENT.room) && !target.startsWith(LENT.room)) return `${LENT.room} must not import ${target}`;
  if (allowed.includes(to) || !target.includes('/')) return null;
  if (path.startsWith(LENT.to) && target.startsWith(LENT.room)) return null;
  return `${folder}/ must not import ${target}`;
}

function roomBreach(path: string, target: string): string | null {
  const [folder = '', room = ''] = path.split('/');
  const [toFolder, toRoom = ''] = target.split('/');
  const rooms = ROOMS[folder];
  if (rooms === undefined || toFolder !== folder) return null;
  // A file of the folder itself is to the right of all rooms.
  const place = (name: string): number => (rooms.includes(name) ? rooms.indexOf(name) : rooms.length);
  if (place(toRoom) <= place(room)) return null;
  return `${folder}/${room}/ must not import ${target}`;
}

function wallBreach(path: string, target: string): string | null {
  const wall = WALLS.find(({ room }) => path.startsWith(room));
  const beyond = wall?.knowsNothingOf.some((place) => target.startsWith(place)) ?? false;
  return beyond ? `${wall!.room} must not know of ${target}` : null;
}

function ownerBreaches(path: string, code: string, imports: readonly Import[]): string[] {
  return OWNED.flatMap(({ what, library, use, owners }) => {
    if (owners.some((owner) => path.startsWith(owner))) return [];
    const imported = library === undefined ? undefined : imports.find(({ from }) => isLibrary(from, library));
    const used = use === undefined ? -1 : code.search(use);
    const line = imported?.line ?? (used === -1 ? null : lineOf(code, used));
    return line === null ? [] : [`${path}:${line}: only ${owners.join(', ')} may use ${what}`];
  });
}

function isLibrary(from: string, library: string): boolean {
  return from === library || from.startsWith(`${library}/`);
}

function importsOf(code: string): Import[] {
  const statement =
    /\b(?:import|export)\s+(?:type\s)?(?:[^'";()]*?\sfrom\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g;
  return [...code.matchAll(statement)].map((match) => ({
    from: match[1] ?? match[2]!,
    line: lineOf(code, match.index),
  }));
}

/** Each circle once, from its first member in the order of names. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) {
      found.push(`${path}:1: import circle: ${[...trail.slice(at), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of [...graph.keys()].sort()) visit(path, []);
  return found;
}

/** Who imports whom among the rooms of shipped folders: subfolders, and files that stand beside them. */
function roomGraph(files: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const roomOf = (path: string): string => path.split('/').slice(0, 2).join('/');
  const graph = new Map<string, Set<string>>();
  for (const [path, targets] of files) {
    if (!ORDER.includes(folderOf(path))) continue;
    const room = roomOf(path);
    const reached = graph.get(room) ?? new Set();
    for (const target of targets) {
      // A file's own circle has been told already.
      const isOther = roomOf(target) !== room && (room !== path || roomOf(target) !== target);
      if (folderOf(target) === folderOf(path) && isOther) reached.add(roomOf(target));
    }
    graph.set(room, reached);
  }
  return new Map([...graph].map(([room, reached]) => [room, [...reached]]));
}

/** Comments become spaces, so that places stay what they are; strings and templates are left alone. */
export function withoutComments(text: string): string {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(token, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function folderOf(path: string): string {
  return path.split('/')[0]!;
}

/** All TypeScript of the repository. */
export function readSources(root: string): SourceText[] {
  const sources: SourceText[] = [];
  const folders = [...ORDER, ...Object.keys(BESIDE)];
  for (const folder of folders) {
    let names: string[] = [];
    try {
      names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    for (const name of names.sort()) {
      if (!name.endsWith('.ts')) continue;
      const path = posix.join(folder, name.replaceAll('\\', '/'));
      sources.push({ path, text: readFileSync(join(root, path), 'utf8') });
    }
  }
  return sources;
}

if (import.meta.main) {
  const sources = readSources(dirname(dirname(fileURLToPath(import.meta.url))));
  const breaches = checkImports(sources);
  for (const breach of breaches) console.log(breach);
  console.log(`check-imports: ${sources.length} files, ${breaches.length} breaches`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}
