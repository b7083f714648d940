// The edges of the engine: where it calls code or data that are not its own, and what comes of it when those fail.
//
// An edge is written in the header of the file that has its boundary, and only there:
//
//   // Edge `send`: a message is handed to its provider.
//   //   throws: that message fails
//   //   rejects: as a throw
//   //   hangs: given up after a while
//   //   too large: cannot: why no such thing can be
//   //   behind: files and folders whose calls to the outside go through this edge
//   //   only in FILE: text that no other shipped file may hold, because it would go past the boundary
//
// Owns: reading them, the table of docs/operating.md, and finding what goes past them. test/edges walks the same list and makes each
// edge fail in each way.
//
// Invariants:
//   E1. Whatever a shipped file imports that reaches outside of the process, or runs a library on somebody's data, stands behind an
//       edge: a new one has to say what comes of it.
//   E2. What crosses an edge is made or called where its boundary is put around it, and nowhere else.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSources, type SourceText, withoutComments } from './check-imports.ts';

/** The ways in which what is called may fail, by the names that headers give them. */
export const FAULTS = ['throws', 'rejects', 'hangs', 'too large'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Edge {
  readonly name: string;
  /** What happens there. */
  readonly what: string;
  /** Where its boundary is. */
  readonly file: string;
  /** What comes of it; `cannot: …` where there is no such fault, with the reason. */
  readonly outcomes: Readonly<Record<Fault, string>>;
  readonly behind: readonly string[];
  /** What may be called, or made, in one file only. */
  readonly only: readonly { readonly file: string; readonly text: string }[];
}

export const CANNOT = /^cannot: /;

/** Shipped folders, whose files are looked at. */
const SHIPPED = /^(lib|schemas|rules|state|processors|topology|connectors|services|apps)\//;
/** What of Node reaches out of the process, or unpacks what somebody sent. */
const REACHES_OUT = new Set(
  [
    'child_process',
    'dgram',
    'dns',
    'fs',
    'fs/promises',
    'http',
    'http2',
    'https',
    'net',
    'tls',
    'worker_threads',
    'zlib',
  ].map((name) => `node:${name}`),
);
/** Libraries that get nothing but what this program itself made: shapes, words and log lines. */
const OWN_DATA = new Set(['typebox', 'ajv', 'pino', 'cli-progress']);

/** All edges, in the order of their files. Throws for a header that is not as above. */
export function edgesOf(sources: readonly SourceText[]): readonly Edge[] {
  const edges = sources.flatMap(({ path, text }) => (SHIPPED.test(path) ? edgesIn(path, text) : []));
  const names = edges.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the edge ${twice} is there twice`);
  return edges;
}

function edgesIn(file: string, text: string): Edge[] {
  const header = /^(?:\/\/.*\n)*/.exec(text)![0];
  const lines = header.split('\n').map((line) => line.replace(/^\/\/ ?/, ''));
  const edges: Edge[] = [];
  for (const [index, line] of lines.entries()) {
    const begins = /^Edge `([a-z][a-z-]*)`: (.+)$/.exec(line);
    if (begins === null) continue;
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((each) => !each.startsWith(' '));
    edges.push(edgeOf({ file, name: begins[1]!, what: begins[2]! }, rest.slice(0, end === -1 ? undefined : end)));
  }
  return edges;
}

function edgeOf(head: Pick<Edge, 'file' | 'name' | 'what'>, lines: readonly string[]): Edge {
  const parts = new Map<string, string>();
  let last = '';
  for (const line of lines) {
    const part = /^ {2}([a-z][a-z ]*|only in \S+): (.+)$/.exec(line);
    if (part === null) parts.set(last, `${parts.get(last) ?? ''} ${line.trim()}`);
    else parts.set((last = part[1]!), part[2]!);
  }
  const listOf = (name: string): string[] => (parts.get(name) ?? '').split(', ').filter((each) => each !== '');
  const outcomes = Object.fromEntries(
    FAULTS.map((fault) => {
      const outcome = parts.get(fault);
      if (outcome === undefined) throw new Error(`${head.file}: the edge ${head.name} does not say "${fault}:"`);
      return [fault, outcome];
    }),
  ) as Record<Fault, string>;
  const known: readonly string[] = [...FAULTS, 'behind'];
  const only: { file: string; text: string }[] = [];
  for (const [name, text] of parts) {
    const file = /^only in (\S+)$/.exec(name)?.[1];
    if (file !== undefined) only.push({ file, text });
    else if (!known.includes(name))
      throw new Error(`${head.file}: the edge ${head.name} says "${name}:", which is nothing`);
  }
  return { ...head, outcomes, behind: [head.file, ...listOf('behind')], only };
}

/** What goes past the edges, as `file: message`. */
export function checkEdges(sources: readonly SourceText[]): string[] {
  const edges = edgesOf(sources);
  const breaches: string[] = [];
  for (const { path, text } of sources) {
    if (!SHIPPED.test(path)) continue;
    const code = withoutComments(text);
    const isBehind = edges.some(({ behind }) => behind.some((place) => path.startsWith(place)));
    const outside = isBehind ? undefined : outsideIn(code)[0];
    if (outside !== undefined) {
      breaches.push(`${path}: uses ${outside} behind no edge: name it at one, or write the edge (scripts/edges.ts)`);
    }
    for (const { name, only } of edges) {
      for (const { file, text: call } of only) {
        if (path !== file && code.includes(call))
          breaches.push(`${path}: "${call}" goes past the edge ${name} (${file})`);
      }
    }
  }
  const paths = sources.map(({ path }) => path);
  for (const { name, behind, only } of edges) {
    for (const place of [...behind, ...only.map(({ file }) => file)]) {
      if (!paths.some((path) => path.startsWith(place)))
        breaches.push(`${place}: is named at the edge ${name}, and is not there`);
    }
    for (const { file, text } of only) {
      const source = sources.find(({ path }) => path === file);
      if (source?.text.includes(text) === false) breaches.push(`${file}: has no "${text}", as the edge ${name} says`);
    }
  }
  return breaches;
}

/** Packages and modules of Node that reach outside, or are given what comes from there. */
function outsideIn(code: string): string[] {
  const imports = /\bimport\s+(type\s)?(?:[^'";()]*?\sfrom\s+)?['"]([^'"\n.][^'"\n]*)['"]|\bimport\(\s*([^)\n]+)\)/g;
  return [...code.matchAll(imports)].flatMap(([, isType, name, computed]) => {
    if (isType !== undefined) return [];
    // What is imported by a name that is only known at run time is somebody else's code.
    if (computed !== undefined)
      return /^['"]/.test(computed) ? packagesOf(computed.slice(1, -1)) : ['a module that it computes'];
    return packagesOf(name!);
  });
}

function packagesOf(name: string): string[] {
  if (name.startsWith('.')) return [];
  if (name.startsWith('node:')) return REACHES_OUT.has(name) ? [name] : [];
  const own = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
  return OWN_DATA.has(own) ? [] : [own];
}

/** The table of docs/operating.md. */
export function edgesTable(sources: readonly SourceText[]): string {
  const rows = edgesOf(sources).map(({ name, what, outcomes }) => {
    const cells = FAULTS.map((fault) => outcomes[fault].replace(CANNOT, 'cannot be: '));
    return `| \`${name}\` | ${[what.replace(/\.$/, ''), ...cells].map(cell).join(' | ')} |`;
  });
  return [
    '| edge | what happens there | throws | rejects | hangs | too large |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

if (import.meta.main) {
  const sources = readSources(ROOT);
  const breaches = checkEdges(sources);
  for (const breach of breaches) console.log(breach);
  console.log(`edges: ${edgesOf(sources).length}, ${breaches.length} breaches`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}
