import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../../lib/problem.ts';
import type { CompileOptions } from '../../../rules/index.ts';
import { check, errorsOf } from '../kit.ts';

const SEND = '{ send: { channel: webhook } }';
const DAY_MS = 86_400_000;

/** A rule on `signed_up` with these steps and fields. */
function rule(then: string, more = ''): string {
  return `id: a\nwhen: { event: signed_up, as: signup }\n${more}then:\n${then}\n`;
}

/** Its warnings as people see them; there must be no error. */
function warningsOf(text: string, options: Partial<CompileOptions> = {}): string[] {
  const { errors, warnings } = check(text, options);
  assert.deepEqual(errors.map(formatProblem), []);
  return warnings.map(formatProblem);
}

test('steps behind an exit are never reached: the first of them is reported at its place', () => {
  const text = rule(`  - ${SEND}\n  - exit: true\n  - ${SEND}\n  - ${SEND}`);
  assert.deepEqual(errorsOf(text), [
    'rule.yaml:6:5: this step is never reached: every way to it ends with an exit (put it before the exit, or take it out)',
  ]);
});

test('so are those inside of a list, and those behind a branch of which each way ends with an exit', () => {
  const inside = rule(`  - branch: [{ if: 'true', do: [{ exit: true }, ${SEND}] }]\n  - ${SEND}`);
  assert.deepEqual(
    errorsOf(inside).map((text) => text.split(': this')[0]),
    ['rule.yaml:4:49'],
  );
  for (const step of [
    `branch: [{ if: 'true', do: [{ exit: true }] }, { else: [${SEND}, { exit: true }] }]`,
    `choose: { experiment: e, variants: [{ name: a, weight: 1, do: [{ exit: true }] }, { name: b, weight: 1, do: [{ exit: true }] }] }`,
    `waitFor: { event: e, atMost: 1h, then: [{ exit: true }], onTimeout: [{ exit: true }] }`,
    `waitFor: { any: [{ event: e, do: [{ exit: true }] }], atMost: 1h, onTimeout: [{ exit: true }] }`,
  ]) {
    assert.deepEqual(
      errorsOf(rule(`  - ${step}\n  - branch: [{ if: 'true', do: [${SEND}] }]`)).map((text) => text.split(': this')[0]),
      ['rule.yaml:5:5'],
      step,
    );
  }
});

test('a step is reached when one way alone goes on to it', () => {
  for (const step of [
    `branch: [{ if: 'true', do: [{ exit: true }] }]`,
    `branch: [{ if: 'true', do: [{ exit: true }] }, { else: [${SEND}] }]`,
    `choose: { experiment: e, variants: [{ name: a, weight: 1, do: [{ exit: true }] }, { name: b, weight: 1 }] }`,
    `waitFor: { event: e, atMost: 1h, then: [{ exit: true }] }`,
    `waitFor: { event: e, atMost: 1h, onTimeout: [{ exit: true }] }`,
    `waitFor: { any: [{ event: e, do: [{ exit: true }] }, { event: f }], atMost: 1h, onTimeout: [{ exit: true }] }`,
    `send: { channel: webhook, onSkip: exit }`,
  ]) {
    assert.deepEqual(errorsOf(rule(`  - ${step}\n  - ${SEND}`)), [], step);
  }
});

test('a branch behind else is never reached, and reported once', () => {
  const text = rule(`  - branch: [{ else: [${SEND}] }, { if: 'true', do: [${SEND}] }]`);
  assert.deepEqual(errorsOf(text), ['rule.yaml:4:22: the branches after "else" are never reached (put it last)']);
});

test('a mistake inside of a step does not make the steps behind it unreachable', () => {
  assert.deepEqual(
    errorsOf(rule(`  - choose: { experiment: e }\n  - ${SEND}\n  - {}\n  - ${SEND}`)).map(
      (text) => text.split(' (')[0],
    ),
    ['rule.yaml:4:13: "choose" needs "variants"', 'rule.yaml:6:5: the step says nothing to do'],
  );
});

test('a goal that is the trigger itself is warned of: the next such event ends the flow', () => {
  const of = (when: string, goal: string) =>
    warningsOf(`id: a\nwhen: ${when}\ngoal: ${goal}\nthen: [${SEND}, { wait: 1h }, ${SEND}]\n`);
  assert.deepEqual(of('{ event: purchase, as: first }', '{ event: purchase, within: 2d }'), [
    'rule.yaml:3:16: the goal is what the flow begins with: the next "purchase" ends it (add a where that tells the two apart, such as event.properties.id != first.properties.id with as: first)',
  ]);
  const one = `event.properties.total > 5`;
  assert.equal(of(`{ event: purchase, where: ${one} }`, `{ event: purchase, where: ${one} }`).length, 1);
  assert.equal(of('{ event: [purchase, refund] }', '{ event: purchase }').length, 1);
  assert.equal(of('{ count: { event: purchase, atLeast: 3, within: 7d } }', '{ event: purchase }').length, 1);
  assert.equal(of('{ any: [{ event: a }, { event: b }] }', '{ event: b }').length, 1);
  assert.deepEqual(of('{ event: purchase }', `{ event: purchase, where: ${one} }`), []);
  assert.deepEqual(of('{ event: purchase }', '{ event: [purchase, refund] }'), []);
  assert.deepEqual(of('{ absence: { after: { event: cart }, of: purchase, within: 1h } }', '{ event: purchase }'), []);
});

test('waits that are longer in sum along a way than the goal is looked for are warned of where they pass it', () => {
  const goal = 'goal: { event: purchase, within: 3d }\n';
  const click = `waitFor: { event: click, atMost: 2d, onTimeout: [{ wait: 36h }, ${SEND}] }`;
  assert.deepEqual(warningsOf(rule(`  - ${click}`, goal)), [
    'rule.yaml:5:62: flows may have waited 3d12h after this, and the goal is looked for within 3d only (who reaches it later gets what follows all the same: make goal.within longer, or the waits shorter)',
  ]);
  assert.equal(warningsOf(rule(`  - review: { atMost: 4d, onTimeout: approve }\n  - ${SEND}`, goal)).length, 1);
  assert.deepEqual(warningsOf(rule(`  - wait: 3d\n  - ${SEND}`, goal)), []);
  assert.deepEqual(warningsOf(rule(`  - wait: 4d\n  - ${SEND}`, 'goal: { event: purchase }\n')), []);
  assert.deepEqual(warningsOf(rule(`  - ${SEND}\n  - wait: 4d`, goal)), [], 'a wait at the end sends nothing');
  const either = `branch: [{ if: 'true', do: [{ wait: 2d }] }, { else: [{ wait: 1d }] }]`;
  assert.deepEqual(warningsOf(rule(`  - ${either}\n  - wait: 1d\n  - ${SEND}`, goal)), [], 'ways are not added up');
});

test('so are waits that are longer than decisions and records of flows are kept', () => {
  const text = rule(`  - wait: 20d\n  - wait: 20d\n  - ${SEND}`);
  assert.deepEqual(warningsOf(text, { recordsKeptMs: 30 * DAY_MS }), [
    'rule.yaml:5:11: flows may have waited 40d after this, and their records are kept for 30d (they go on, but how they began can no longer be told then: topics.retention.public may be longer)',
  ]);
  assert.deepEqual(warningsOf(text, { recordsKeptMs: 40 * DAY_MS }), []);
  assert.deepEqual(warningsOf(text, { recordsKeptMs: null }), []);
  assert.deepEqual(warningsOf(text), []);
});

test('a rule that listens to what it emits is warned of', () => {
  const emit = `  - branch: [{ if: 'true', do: [{ emit: { event: signed_up } }] }]`;
  assert.deepEqual(warningsOf(rule(emit)), [
    'rule.yaml:4:50: the rule listens to "signed_up", which it emits itself (its flows begin anew, 8 deep, then the event is dropped: emit another name, or listen to another one)',
  ]);
  const silence = `id: a\nwhen: { inactive: { for: 14d } }\nthen: [{ emit: { event: went_quiet } }]\n`;
  assert.equal(warningsOf(silence).length, 1, 'any event ends the silence');
  assert.equal(warningsOf('id: a\nwhen: { event: "*" }\nthen: [{ emit: { event: seen } }]\n').length, 1);
  const row = '{ sequence: { steps: [{ event: lost, times: { min: 3, max: 3, next: strict } }] } }';
  const told = `id: a\nwhen: ${row}\nthen: [{ emit: { event: EVENT } }]\n`;
  assert.deepEqual(warningsOf(told.replace('EVENT', 'three_losses')), [], 'it only must not come in between');
  assert.equal(warningsOf(told.replace('EVENT', 'lost')).length, 1);
  assert.deepEqual(warningsOf(rule('  - emit: { event: welcomed }')), []);
});

test('a wait, or a goal, of no time at all is a mistake', () => {
  for (const [step, message] of [
    ['wait: 0s', '4:11: "wait"'],
    ['wait: { for: 0h }', '4:18: "for"'],
    ['waitFor: { event: e, atMost: 0s }', '4:34: "atMost"'],
    ['review: { atMost: 0ms, onTimeout: reject }', '4:23: "atMost"'],
  ]) {
    assert.deepEqual(errorsOf(rule(`  - ${step}`)), [`rule.yaml:${message} must be longer than nothing`]);
  }
  const goal = 'goal: { event: e, within: 0d }\n';
  assert.deepEqual(errorsOf(rule(`  - ${SEND}`, goal)), ['rule.yaml:3:27: "within" must be longer than nothing']);
});

test('a template is asked for on each channel of each route, of sends inside of steps as well', () => {
  const templates = (name: string, channel: string) => name === 'hello' && channel === 'email';
  const send = '{ send: { channel: email, fallback: [sms], template: hello } }';
  const push = '{ send: { channel: push, template: gone } }';
  const none = '{ send: { channel: email } }';
  const text =
    rule(`  - branch: [{ if: 'true', do: [{ waitFor: { event: e, atMost: 1h, then: [${send}], onTimeout: [${push}] } }] }]
  - choose: { experiment: e, variants: [{ name: a, weight: 1, do: [${none}] }, { name: b, weight: 1 }] }`);
  assert.deepEqual(errorsOf(text, { templates }), [
    'rule.yaml:4:128: there is no template "hello" for sms (expected templates/hello/sms.liquid)',
    'rule.yaml:4:187: there is no template "gone" for push (expected templates/gone/push.liquid)',
    'rule.yaml:5:87: the channel "email" needs a template (add template: name-of-a-folder-in-templates)',
  ]);
});

test('names used twice, and variants without weight, are mistakes wherever they stand', () => {
  const text = rule(`  - { name: hi, send: { channel: webhook } }
  - branch: [{ if: 'true', do: [{ name: hi, send: { channel: webhook } }] }]
  - choose: { experiment: e, variants: [{ name: a, weight: 0 }, { name: b, weight: 0 }] }`);
  assert.deepEqual(errorsOf(text), [
    'rule.yaml:5:41: there is a step "hi" already (names are unique in a rule)',
    'rule.yaml:6:40: no variant has a weight (at least one above 0)',
  ]);
});

test('inFlow asks for a rule that there is, about the same entities', () => {
  const other = '---\nid: tour\nentity: device\nwhen: { event: e }\n---\nid: onboarding\nwhen: { event: e }\n';
  const asking = (then: string) => errorsOf(`id: a\nwhen: { event: e }\n${then}\n${other}`, { entities: ['device'] });
  assert.deepEqual(asking(`if: '!inFlow("onboarding")'`), []);
  assert.deepEqual(asking(`if: 'profile.plan == "free" && !inFlow("onbording")'`), [
    'rule.yaml:3:33: unknown rule "onbording" (did you mean "onboarding"?)',
  ]);
  assert.deepEqual(asking(`then: [{ branch: [{ if: inFlow('gone'), do: [${SEND}] }] }]`), [
    'rule.yaml:3:25: unknown rule "gone" (inFlow() asks for the id of a rule)',
  ]);
  assert.deepEqual(asking(`if: inFlow("tour")`), [
    'rule.yaml:3:5: the rule is about a user, the flows of "tour" about a device',
  ]);
});

test('a rule that has a mistake of its own is there all the same for inFlow', () => {
  const text = `id: a\nwhen: { event: e }\nif: inFlow("b")\n---\nid: b\nwhen: { event: e }\npriority: 101\n`;
  assert.deepEqual(
    errorsOf(text).map((one) => one.split(' ')[1]),
    ['"priority"'],
  );
});
