import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleSetOf } from '../../rules/index.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';

function versions() {
  const compiled: number[] = [];
  const initial = ruleSetOf([]);
  const all = new RuleVersions({
    topic: 'tripline.rules',
    initial,
    compile: (version) => {
      compiled.push(version);
      return version < 100 ? ruleSetOf([]) : undefined;
    },
  });
  return { all, compiled, initial };
}

test('before anything is published, the initial rules are in force and nobody is to follow', () => {
  const { all, initial } = versions();
  assert.equal(all.newest, null);
  all.use(0);
  assert.equal(all.current, initial);
});

test('a version that a task is still at is compiled when it takes a step, and once', () => {
  const { all, compiled } = versions();
  const newest = ruleSetOf([]);
  all.advance(3, newest);
  all.use(2);
  all.use(3);
  assert.equal(all.current, newest);
  all.use(2);
  assert.deepEqual(compiled, [2]);
});

test('a version that is gone stops the task with words for people', () => {
  const { all } = versions();
  assert.throws(() => all.use(100), { code: 'TRG_RULES_INVALID', message: /version 100 of the rules/ });
});

test('of compiled versions only a few are kept, the one in force among them', () => {
  const { all, compiled } = versions();
  all.use(1);
  const first = all.current;
  for (let version = 2; version < 30; version++) all.advance(version, ruleSetOf([]));
  all.use(29);
  all.use(1);
  assert.equal(all.current, first);
  all.use(5);
  assert.deepEqual(compiled, [1, 5]);
});
