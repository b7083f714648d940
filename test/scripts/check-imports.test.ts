import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImports } from '../../scripts/check-imports.ts';

const check = (files: Readonly<Record<string, string>>): string[] =>
  checkImports(Object.entries(files).map(([path, text]) => ({ path, text })));

test('imports to the left and within a folder are fine', () => {
  assert.deepEqual(
    check({
      'state/a.ts': "import { b } from '../lib/b.ts';\nexport { c } from './c.ts';",
      'state/c.ts': '',
      'lib/b.ts': "import x from 'node:fs';",
    }),
    [],
  );
});

test('an import to the right is a breach, however it is written', () => {
  assert.deepEqual(
    check({
      'state/a.ts': "\nimport { b } from '../topology/b.ts';",
      'state/b.ts': "export type { B } from '../topology/b.ts';",
      'state/c.ts': "const b = await import('../topology/b.ts');",
      'state/d.ts': "import '../topology/b.ts';",
      'state/e.ts': "import {\n  a,\n  b,\n} from '../topology/b.ts';",
    }),
    [
      'state/a.ts:2: state/ must not import topology/b.ts',
      'state/b.ts:1: state/ must not import topology/b.ts',
      'state/c.ts:1: state/ must not import topology/b.ts',
      'state/d.ts:1: state/ must not import topology/b.ts',
      'state/e.ts:1: state/ must not import topology/b.ts',
    ],
  );
});

test('the demo alone delivers to stand-ins of providers, which know nothing of ours', () => {
  assert.deepEqual(
    check({
      'apps/demo/a.ts': "import '../../testing/providers/twilio.ts';\nimport '../../testing/fake.ts';",
      'apps/cli/a.ts': "import '../../testing/providers/twilio.ts';",
      'testing/providers/twilio.ts': "import './http.ts';\nimport '../../lib/clock.ts';",
      'testing/providers/http.ts': '',
      'testing/fake.ts': '',
      'lib/clock.ts': '',
    }),
    [
      'apps/demo/a.ts:2: apps/ must not import testing/fake.ts',
      'apps/cli/a.ts:1: apps/ must not import testing/providers/twilio.ts',
      'testing/providers/twilio.ts:2: testing/providers/ must not import lib/clock.ts',
    ],
  );
});

test('shipped code never imports testing/ or test/, and testing/ never apps/', () => {
  assert.deepEqual(
    check({
      'apps/a.ts': "import '../testing/fake.ts';\nimport '../test/kit.ts';",
      'testing/fake.ts': "import '../apps/a.ts';",
      'test/kit.ts': "import '../testing/fake.ts';",
    }).filter((breach) => !breach.includes('circle')),
    [
      'apps/a.ts:1: apps/ must not import testing/fake.ts',
      'apps/a.ts:2: apps/ must not import test/kit.ts',
      'testing/fake.ts:1: testing/ must not import apps/a.ts',
    ],
  );
});

test('a library or primitive has one owner', () => {
  assert.deepEqual(
    check({
      'schemas/codec.ts': "import avsc from 'avsc';",
      'state/store/level-store.ts': "import { ClassicLevel } from 'classic-level';",
      'state/other.ts': "import avsc from 'avsc';\nimport { ClassicLevel } from 'classic-level';",
      'rules/deep/cel.ts': "import { parse } from '@marcbachmann/cel-js';",
      'processors/cel.ts': "import { parse } from '@marcbachmann/cel-js/x';",
      'lib/clock.ts': 'Date.now(); setTimeout(f, 1);',
      'topology/late.ts': 'const at = Date.now();\nsetTimeout(f, 1);\nMath.random();',
      'topology/fine.ts': '// Date.now() is not asked here\nconst at = new Date(time); sleep.setTimeoutMs(1);',
    }),
    [
      'state/other.ts:1: only schemas/codec.ts, schemas/avro-json.ts may use avsc',
      'state/other.ts:2: only state/store/level-store.ts may use classic-level',
      'processors/cel.ts:1: only rules/ may use cel-js',
      'topology/late.ts:1: only lib/clock.ts may use the wall clock',
      'topology/late.ts:2: only lib/clock.ts may use timers',
      'topology/late.ts:3: only lib/rng.ts may use randomness',
    ],
  );
});

test('tests and tools are free to use what shipped code is not', () => {
  assert.deepEqual(check({ 'test/a.ts': 'Date.now();', 'benchmarks/b.ts': 'performance.now();' }), []);
});

test('a circle is found once and named whole, also where only types make it (C2)', () => {
  assert.deepEqual(
    check({
      'lib/a.ts': "import { b } from './b.ts';",
      'lib/b.ts': "import { c } from './c.ts';",
      'lib/c.ts': "import { a } from './a.ts';",
      'lib/d.ts': "import type { E } from './e.ts';",
      'lib/e.ts': "import { d } from './d.ts';",
    }),
    [
      'lib/a.ts:1: import circle: lib/a.ts -> lib/b.ts -> lib/c.ts -> lib/a.ts',
      'lib/d.ts:1: import circle: lib/d.ts -> lib/e.ts -> lib/d.ts',
    ],
  );
});

test('rooms of a folder make no circle, though none of their files does (C2)', () => {
  assert.deepEqual(
    check({
      'services/a/one.ts': "import { x } from '../b/x.ts';",
      'services/a/two.ts': '',
      'services/b/x.ts': '',
      'services/b/y.ts': "import type { two } from '../a/two.ts';",
    }),
    ['services/a:1: import circle: services/a -> services/b -> services/a'],
  );
});

test('rooms with an order import to its left only, and nothing of what stands beside them (C1)', () => {
  assert.deepEqual(
    check({
      'rules/patterns/a.ts': "import '../expressions/b.ts';\nimport '../gates/c.ts';\nimport '../index.ts';",
      'rules/expressions/b.ts': '',
      'rules/gates/c.ts': '',
      'rules/index.ts': "import './gates/c.ts';",
    }).filter((breach) => !breach.includes('circle')),
    [
      'rules/patterns/a.ts:2: rules/patterns/ must not import rules/gates/c.ts',
      'rules/patterns/a.ts:3: rules/patterns/ must not import rules/index.ts',
    ],
  );
});

test('stores, engine and logs know of no rule, processor or entity', () => {
  assert.deepEqual(
    check({
      'topology/engine/a.ts': "import '../../processors/p.ts';\nimport '../../state/store/s.ts';",
      'connectors/logs/b.ts': "import type { R } from '../../rules/index.ts';",
      'topology/topology.ts': "import '../processors/p.ts';",
      'processors/p.ts': "import '../state/entity/e.ts';",
      'state/store/s.ts': '',
      'state/entity/e.ts': "import '../store/s.ts';",
      'rules/index.ts': '',
    }),
    [
      'topology/engine/a.ts:1: topology/engine/ must not know of processors/p.ts',
      'connectors/logs/b.ts:1: connectors/logs/ must not know of rules/index.ts',
    ],
  );
});
