import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { stringify } from 'yaml';
import { type FlowGraph, flowGraphOf } from '../../../services/flow-drawing/flow-graph.ts';
import { mermaidOf } from '../../../services/flow-drawing/mermaid.ts';
import { svgOf } from '../../../services/flow-drawing/svg.ts';
import { compiled, errorsOf } from '../../rules/kit.ts';

function textOf(rule: object): string {
  return stringify({ id: 'r', when: { event: 'x' }, ...rule });
}

function graphOf(rule: object): FlowGraph {
  return flowGraphOf(compiled(textOf(rule)));
}

function graphWith(steps: readonly object[]): FlowGraph {
  // biome-ignore lint/suspicious/noThenProperty: the language's word.
  return graphOf({ then: steps });
}

const RULE = {
  id: 'r',
  description: 'A "rule" & <more>',
  goal: { event: 'purchase', where: 'event.properties.value > 1', within: '3d' },
  stopOn: ['closed'],
  // biome-ignore lint/suspicious/noThenProperty: the language's word.
  then: [
    { name: 'first', send: { channel: 'webhook', fallback: ['pagerduty'], onSkip: 'exit', if: 'profile.a != "b"' } },
    { branch: [{ if: 'profile.tier == "vip"', do: [{ name: 'vip', wait: '1h' }, { exit: true }] }] },
    { waitFor: { event: 'clicked', atMost: '2h', onTimeout: [{ set: { late: true } }] } },
    {
      choose: {
        experiment: 'tone',
        variants: [
          { name: 'a', weight: 1, do: [{ wait: '3h' }] },
          { name: 'b', weight: 1 },
        ],
      },
    },
    { review: { atMost: '4h', onTimeout: 'reject' } },
  ],
};

test('a graph has each step with its ways: branches by their conditions, time-outs, variants, and straight on where none is taken', () => {
  const { boxes, ends } = graphOf(RULE);
  assert.deepEqual(
    boxes.map(({ number, name, words, notes, arrows }) => [
      number,
      name ?? words,
      notes,
      arrows.map(({ word, to }) => [word, to]),
    ]),
    [
      [0, 'first', ['else pagerduty', 'if profile.a != "b"', 'ends the flow: nothing is sent'], [[null, 1]]],
      [
        1,
        'branch',
        [],
        [
          ['profile.tier == "vip"', 2],
          ['none of them', 4],
        ],
      ],
      [2, 'vip', [], [[null, 3]]],
      [3, 'exit', [], []],
      [
        4,
        'wait for clicked, at most 2h',
        [],
        [
          ['time-out', 5],
          ['clicked', 6],
        ],
      ],
      [5, 'set late', [], [[null, 6]]],
      [
        6,
        'choose tone',
        [],
        [
          ['a', 7],
          ['b', 8],
        ],
      ],
      [7, 'wait 3h', [], [[null, 8]]],
      [8, 'a person looks first', ['ends the flow: rejected'], [['approved', -1]]],
    ],
  );
  assert.deepEqual(ends, ['goal: purchase where event.properties.value > 1 within 3d', 'stopOn: closed']);
});

test('as text for Mermaid, what rules say stands in quotes and without a character that Mermaid reads (M1)', () => {
  const text = mermaidOf(graphOf(RULE));
  assert.equal(text.split('\n')[0], 'flowchart TD');
  for (const line of [
    '  start(["r<br/>A #34;rule#34; #38; #60;more#62;"])',
    '  s1{"branch"}',
    '  s1 -->|"profile.tier == #34;vip#34;"| s2',
    '  s1 -->|"none of them"| s4',
    '  s8 -->|"approved"| completed',
    '  completed(["completed"])',
    '  start -.-> ended',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
  for (const line of text.trim().split('\n').slice(1)) {
    const words = [...line.matchAll(/"([^"]*)"/g)].map(([, word]) =>
      word!.replaceAll('<br/>', '').replaceAll(/#\d+;/g, ''),
    );
    for (const word of words) assert.doesNotMatch(word, /[#"<>&`:;\\|]/);
    // Outside of quotes there is only what this program writes.
    assert.match(line.replaceAll(/"[^"]*"/g, ''), /^ {2}[a-z0-9 ()[\]{}|/.<>-]+$/);
  }
});

test('a rule whose steps all exit is never completed, and one without steps is at once', () => {
  const exits = mermaidOf(graphWith([{ wait: '1h' }, { exit: true }]));
  assert.doesNotMatch(exits, /completed/);
  assert.match(mermaidOf(graphOf({})), /start --> completed/);
  assert.match(svgOf(graphOf({})), />completed</);
});

test('a picture holds what rules say as text alone, and the same rule gives the same bytes (S1, S2)', () => {
  const graph = graphOf({ ...RULE, description: '</title><script>alert(1)</script> \u0007 & "x"' });
  const svg = svgOf(graph);
  assert.doesNotMatch(svg, /<script/);
  assert.ok(!svg.includes('\u0007'));
  assert.match(svg, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.match(svg, /prefers-color-scheme: dark/);
  assert.equal(svg, svgOf(graph));
  const open: string[] = [];
  const parser = new Parser(
    { onopentag: (name) => open.push(name), onclosetag: (name) => assert.equal(open.pop(), name) },
    { xmlMode: true },
  );
  parser.end(svg);
  assert.deepEqual(open, []);
});

interface Rectangle {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function boxesIn(svg: string): Rectangle[] {
  return [...svg.matchAll(/<rect class="box[^"]*" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
    ([, ...numbers]) => {
      const [x, y, width, height] = numbers.map(Number) as [number, number, number, number];
      return { left: x, right: x + width, top: y, bottom: y + height };
    },
  );
}

/** The straight pieces of all arrows. */
function piecesIn(svg: string): Rectangle[] {
  return [...svg.matchAll(/<path class="arrow" [^>]*d="M([\d.]+) ([\d.]+)([^"]*)"/g)].flatMap(
    ([, startX, startY, rest]) => {
      let [x, y] = [Number(startX), Number(startY)];
      return [...rest!.matchAll(/([VH])([\d.]+)/g)].map(([, way, to]) => {
        const [fromX, fromY] = [x, y];
        if (way === 'V') y = Number(to);
        else x = Number(to);
        assert.ok(y >= fromY, 'an arrow never goes up');
        return { left: Math.min(fromX, x), right: Math.max(fromX, x), top: fromY, bottom: y };
      });
    },
  );
}

/** Whether they share more than an edge. */
function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Whether the line runs within the rectangle. */
function crosses(line: Rectangle, box: Rectangle): boolean {
  const isAcross = line.left <= box.right - 1 && line.right >= box.left + 1;
  return isAcross && line.top < box.bottom - 1 && line.bottom > box.top + 1;
}

const { steps } = fc.letrec<{ steps: object[]; step: object }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
  step: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant({ wait: '1h' }),
    fc.constant({ exit: true }),
    fc.record({ send: fc.record({ channel: fc.constant('webhook'), onSkip: fc.constantFrom('exit', 'continue') }) }),
    fc.tuple(tie('steps'), tie('steps'), fc.boolean()).map(([a, b, hasElse]) => ({
      branch: [{ if: 'profile.a == 1', do: a }, ...(hasElse ? [{ else: b }] : [{ if: 'profile.b == 1', do: b }])],
    })),
    tie('steps').map((late) => ({ waitFor: { event: 'e', atMost: '1h', onTimeout: late } })),
    fc.tuple(tie('steps'), tie('steps')).map(([a, b]) => ({
      waitFor: { any: [{ event: 'a', do: a }, { event: 'b', do: b }, { event: 'c' }], atMost: '1h' },
    })),
  ),
}));

test('whatever the program, no two boxes lie on each other, and no arrow crosses a box', () => {
  fc.assert(
    fc.property(steps, (then) => {
      // Steps behind an exit are refused.
      fc.pre(errorsOf(textOf({ then })).length === 0);
      const svg = svgOf(graphWith(then));
      const boxes = boxesIn(svg);
      for (const [place, box] of boxes.entries()) {
        for (const other of boxes.slice(place + 1)) assert.ok(!overlap(box, other), 'boxes lie apart');
      }
      for (const piece of piecesIn(svg)) {
        for (const box of boxes) assert.ok(!crosses(piece, box), 'arrows go beside boxes');
      }
    }),
    { numRuns: 150 },
  );
});
