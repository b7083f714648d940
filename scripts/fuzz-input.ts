// `make fuzz-input MINUTES=10`: files, YAML, CEL and templates as nobody would write them, from what people did write.
//
// Owns: making inputs, and judging what comes of each. Does not own: HTTP, whose own tests send what senders send.
//
// Invariants:
//   Z1. Whatever the input, the outcome is a result or an error meant for its writer (EngineError, problems); any other error, or warning of the process, is a find.
//   Z2. No input takes more than STALL_MS of processor time at a stretch, nor the heap beyond HEAP_BYTES_MAX.
//   Z3. An input follows from its target, seed and number: the find that is printed can be had again.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { CHANNELS } from '../connectors/channels/index.ts';
import { parseTemplate } from '../connectors/channels/templates/template-file.ts';
import { systemClock } from '../lib/clock.ts';
import { EngineError, RecordError } from '../lib/errors.ts';
import { type Rng, seededRng } from '../lib/rng.ts';
import { checkRules } from '../rules/index.ts';
import { learnFromFile } from '../services/events/learn.ts';
import { runTest } from '../services/rule-tests/run-tests.ts';

export const TARGETS = ['files', 'yaml', 'cel', 'templates'] as const;
export type Target = (typeof TARGETS)[number];

export interface Find {
  readonly target: Target;
  readonly seed: number;
  readonly number: number;
  readonly what: string;
  readonly input: string;
}

export interface FuzzOptions {
  readonly target: Target;
  readonly seed: number;
  /** Wall time, ms. */
  readonly forMs: number;
  /** Only this input. */
  readonly number?: number | undefined;
}

const STALL_MS = 250;
const HEAP_BYTES_MAX = 1024 * 1024 * 1024;
/** Inputs are small, so that many are tried; what is large has tests of its own. */
const INPUT_LENGTH_MAX = 20_000;
const MUTATIONS_MAX = 6;

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const OPTIONS = { outOfOrdernessMs: 5_000, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
const COMPILE = {
  outOfOrdernessMs: 5_000,
  entities: ['device'],
  channels: new Map(CHANNELS.map(({ id, traits }) => [id, traits])),
};

function examples(pattern: RegExp): string[] {
  const names = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' }).sort();
  return names.filter((name) => pattern.test(name)).map((name) => readFileSync(join(ROOT, 'examples', name), 'utf8'));
}

const RULES = examples(/\/rules\/.*\.yaml$/);
const EXPRESSIONS = [
  ...Array.from(
    RULES.join('\n').matchAll(/^\s*(?:where|if|audience|review): (?:'([^']+)'|"([^"]+)"|([^\n{["']+))$/gm),
    ([, single, double, plain]) => (single ?? double ?? plain)!,
  ),
  'event.properties.tags.exists(t, t.matches("(a+)+$"))',
  'profile["utm-source"] == event.properties.items[0].name && size(profile.tags) > 3 ? true : !has(profile.plan)',
  'event.properties.amount * 1.5e3 - int("7") >= duration("1h").getSeconds() || "x" in {"x": 1}',
  '[1, 2, 3].map(x, x * 2).filter(y, y > 2).all(z, z != event.properties.n)',
];
const LINES = [
  '{"userId":"u1","event":"x","timestamp":"2026-01-01T00:00:00Z","properties":{"a":[1,{"b":null}],"n":1e3}}\n',
  '{"type":"identify","anonymousId":"ü","traits":{"email":"a@b.c"},"timestamp":1767225600}\n',
  'user_id,event,timestamp\nu1,"a ""quoted"", name\nin two lines",2026-01-01 00:00:00\n',
];
const DICTIONARIES: Readonly<Record<Target, readonly string[]>> = {
  files: [
    '\0',
    '\r',
    '\r\n',
    '\ufeff',
    '"',
    '""',
    '{',
    '[',
    '\\u0000',
    '\\ud800',
    '1e999',
    'NaN',
    '\u2028',
    ',',
    '__proto__',
    '9'.repeat(400),
  ],
  yaml: [
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '!!js/function ',
    '? ',
    '- ',
    ': ',
    '|\n',
    '>-\n',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '{',
    '[',
    '}',
    '#',
    '\t',
    '__proto__: ',
    '1e999',
    '0x1F',
    '~',
    '"\\uD800"',
    'then: ',
    'when: ',
    'sequence: ',
    'any: ',
    'all: ',
  ],
  cel: [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '&&',
    '||',
    '!',
    '?',
    ':',
    '.',
    ',',
    '+',
    '-',
    '*',
    '/',
    '%',
    'in',
    '==',
    '1',
    '0',
    '9223372036854775807',
    '-9223372036854775808',
    '1u',
    '1e400',
    '""',
    "r'\\'",
    'b"x"',
    'null',
    'true',
    'size(',
    'matches(',
    '"(a|aa)+$"',
    'timestamp("x")',
    'duration("")',
    '.map(x, ',
    '.exists(x, ',
    'has(',
    'event.properties',
    'profile',
    'constructor',
    '__proto__',
    'toString()',
    'count("x", "7d")',
    'last("x")',
  ],
  templates: [
    '{{',
    '}}',
    '{%',
    '%}',
    '{%-',
    '| ',
    '{% for i in (1..999999999) %}',
    '{% endfor %}',
    '{% if ',
    '{% endif %}',
    '{% raw %}',
    '{% assign x = ',
    '{% capture x %}',
    '{% endcapture %}',
    '{% tablerow i in profile %}',
    '| append: x',
    '| times: 1e308',
    '| date: "%9999999Y"',
    '| split: ""',
    '| join',
    '| sort',
    '| slice: -1, 99999',
    '| replace: "", x',
    '| strip_html',
    'profile.constructor',
    '{% liquid\n',
    '{% cycle',
    '---\n',
    'subject: ',
  ],
};

/** Whatever an event or a profile may hold. */
const HOSTILE = {
  profile: {
    name: { toString: 1 },
    tags: Array.from({ length: 1_000 }, (_, i) => 'x'.repeat(i)),
    constructor: 'no',
    n: 1e308,
    s: 'a'.repeat(5_000),
  },
  event: {
    properties: { tags: ['a'.repeat(60), 'b'], items: [{ name: null }], amount: '12', n: -0, platform: '\u0000\u202e' },
  },
  cart: { timestamp: '2026-01-01T00:00:00Z', properties: [] },
  data: { coupon: '<script>', validFor: { valueOf: 2 } },
};

/** Runs until the time is over or something is found. */
export async function fuzz(options: FuzzOptions, count: () => void = () => {}): Promise<Find | null> {
  const { target, seed, forMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tripline-fuzz-'));
  const end = systemClock.now() + forMs;
  let warning: string | null = null;
  const onWarning = ({ message }: Error): void => void (warning = `a warning: ${message}`);
  process.on('warning', onWarning);
  try {
    for (
      let number = options.number ?? 0;
      options.number === undefined ? systemClock.now() < end : number === options.number;
      number++
    ) {
      const rng = seededRng(Math.imul(seed + 1, 0x9e3779b1) ^ number);
      const input = INPUTS[target](rng);
      const before = process.threadCpuUsage();
      let what: string | null = null;
      try {
        await TRY[target](input, folder, rng);
      } catch (error) {
        if (!(error instanceof EngineError))
          what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      const used = process.threadCpuUsage(before);
      await setImmediate();
      what ??= warning;
      const ms = (used.user + used.system) / 1_000;
      if (what === null && number > WARM_UP && ms > STALL_MS) what = `took ${Math.round(ms)} ms`;
      const { heapUsed } = process.memoryUsage();
      if (what === null && heapUsed > HEAP_BYTES_MAX) what = `the heap grew to ${heapUsed} bytes`;
      if (what !== null) return { target, seed, number, what, input: input.toString() };
      count();
    }
    return null;
  } finally {
    process.off('warning', onWarning);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first inputs also pay for compiling what runs them. */
const WARM_UP = 20;

const INPUTS: Readonly<Record<Target, (rng: Rng) => Buffer>> = {
  files: (rng) => packed(Buffer.from(mutated(pick(rng, LINES).repeat(1 + below(rng, 20)), 'files', rng)), rng),
  yaml: (rng) => Buffer.from(mutated(pick(rng, RULES), 'yaml', rng)),
  cel: (rng) => Buffer.from(mutated(pick(rng, EXPRESSIONS), 'cel', rng)),
  templates: (rng) => Buffer.from(mutated(pick(rng, TEMPLATES), 'templates', rng)),
};

const TEMPLATES = examples(/\.liquid$/);

const TRY: Readonly<Record<Target, (input: Buffer, folder: string, rng: Rng) => Promise<void>>> = {
  async files(input, folder, rng) {
    const name = pick(rng, ['events.jsonl', 'events.jsonl.gz', 'events.jsonl.zst', 'events.csv', 'events.csv.gz']);
    const mapping = join(folder, 'map.yaml');
    writeFileSync(
      mapping,
      mutatedRarely(
        'format: csv\ncolumns: { userId: user_id, event: event, timestamp: timestamp, messageId: null }\ntimestampFormat: "YYYY-MM-DD HH:mm:ss"\n',
        rng,
      ),
    );
    writeFileSync(join(folder, name), input);
    await learnFromFile(join(folder, name), name.includes('.csv') ? mapping : undefined);
  },
  async yaml(input) {
    await runRules(input.toString());
  },
  async cel(input) {
    const where = JSON.stringify(input.toString());
    const given = `{ at: "2026-01-01T00:00:00Z", user: u1, event: x, properties: ${JSON.stringify(HOSTILE.event.properties)} }`;
    await runRules(
      `id: fuzzed\nwhen: { event: x, where: ${where} }\ntests:\n  - { name: runs, given: [${given}], expect: [] }\n`,
    );
  },
  async templates(input) {
    const template = parseTemplate('fuzzed', input.toString(), []);
    try {
      template?.render(HOSTILE);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  },
};

async function runRules(text: string): Promise<void> {
  const checked = checkRules([{ file: 'fuzzed.yaml', text }], COMPILE);
  if (checked.errors.length > 0) return;
  for (const test of checked.tests.slice(0, 2)) await runTest(test, checked.ruleSet, OPTIONS);
}

/** Packed, cut off, with rubbish behind it, or neither. */
function packed(bytes: Buffer, rng: Rng): Buffer {
  const pack = pick(rng, [(b: Buffer) => b, (b: Buffer) => b, gzipSync, zstdCompressSync, deflateRawSync]);
  let out: Buffer = pack(bytes);
  if (rng.next() < 0.2) out = Buffer.concat([out, pack(bytes)]);
  if (rng.next() < 0.3) out = out.subarray(0, below(rng, out.length + 1));
  if (rng.next() < 0.3 && out.length > 0) out[below(rng, out.length)]! ^= 1 << below(rng, 8);
  return out;
}

function mutatedRarely(text: string, rng: Rng): string {
  return rng.next() < 0.1 ? mutated(text, 'yaml', rng) : text;
}

function mutated(text: string, target: Target, rng: Rng): string {
  let out = text;
  const words = DICTIONARIES[target];
  for (let left = 1 + below(rng, MUTATIONS_MAX); left > 0; left--) {
    const at = below(rng, out.length + 1);
    const to = Math.min(out.length, at + below(rng, 40));
    const kind = below(rng, 6);
    if (kind === 0) out = out.slice(0, at) + out.slice(to);
    else if (kind === 1) out = out.slice(0, to) + out.slice(at, to).repeat(1 + below(rng, 4)) + out.slice(to);
    else if (kind === 2)
      out = out.slice(0, at) + pick(rng, words).repeat(rng.next() < 0.1 ? 1 + below(rng, 2_000) : 1) + out.slice(at);
    else if (kind === 3) out = out.slice(0, at) + String.fromCharCode(below(rng, 0x3000)) + out.slice(to);
    else if (kind === 4) out = out.slice(0, at) + pick(rng, words) + pick(rng, words) + out.slice(to);
    else out = out.slice(0, at) + out.slice(0, below(rng, 200)) + out.slice(at);
    out = out.slice(0, INPUT_LENGTH_MAX);
  }
  return out;
}

function below(rng: Rng, limit: number): number {
  return Math.floor(rng.next() * limit);
}

function pick<Item>(rng: Rng, items: readonly Item[]): Item {
  return items[below(rng, items.length)]!;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      number: { type: 'string' },
    },
  });
  const targets = TARGETS.filter((target) => values.only === undefined || values.only === target);
  const number = values.number === undefined ? undefined : Number(values.number);
  for (const target of targets) {
    const seed = Number(values.seed ?? systemClock.now() % 1_000_000);
    let inputs = 0;
    const find = await fuzz({ target, seed, number, forMs: Number(values.minutes ?? 10) * 60_000 }, () => inputs++);
    console.log(`${target}: ${inputs} inputs from seed ${seed}, ${find === null ? 'nothing found' : 'a find'}`);
    if (find === null) continue;
    console.log(
      `  again: node scripts/fuzz-input.ts --only ${target} --seed ${seed} --number ${find.number}\n  ${find.what}`,
    );
    console.log(`  input: ${JSON.stringify(find.input.slice(0, 2_000))}`);
    process.exitCode = 1;
  }
}
