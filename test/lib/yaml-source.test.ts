import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../lib/problem.ts';
import { YamlSource } from '../../lib/yaml-source.ts';

const TEXT = `a: 1
list:
  - x
  - { name: y, 2: z }
`;

test('names and values are found where they stand', () => {
  const source = new YamlSource('f.yaml', TEXT);
  assert.deepEqual(source.place(['list'], 'name'), { line: 2, column: 1 });
  assert.deepEqual(source.place(['list', 0]), { line: 3, column: 5 });
  assert.deepEqual(source.place(['list', 1, 'name'], 'name'), { line: 4, column: 7 });
  assert.deepEqual(source.place(['list', 1, 'name']), { line: 4, column: 13 });
});

test('what is missing is placed at the nearest thing around it', () => {
  const source = new YamlSource('f.yaml', TEXT);
  assert.deepEqual(source.place(['list', 1, 'nothing', 'below']), { line: 4, column: 5 });
  assert.deepEqual(source.place(['nothing']), { line: 1, column: 1 });
  assert.deepEqual(new YamlSource('f.yaml', '').place([]), { line: 1, column: 1 });
});

test('JSON is read as well', () => {
  const source = new YamlSource('f.json', '{\n  "a": [1, 2]\n}');
  assert.deepEqual(source.value, { a: [1, 2] });
  assert.deepEqual(source.place(['a', 1]), { line: 2, column: 12 });
});

test('mistakes of the YAML itself have their place', () => {
  const [problem] = new YamlSource('f.yaml', 'a: 1\na: 2').problems;
  assert.match(formatProblem(problem!), /^f\.yaml:2:1: Map keys must be unique/);
});

test('aliases that multiply beyond reason are a mistake, not the end of the memory', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  assert.equal(new YamlSource('f.yaml', lines.join('\n')).problems.length, 1);
});
