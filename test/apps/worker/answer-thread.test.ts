import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AnswerThread, type AnswerThreadOptions, LIMITS } from '../../../apps/worker/answer-thread.ts';
import { RetryableError } from '../../../lib/errors.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import type { LookUpAnswer } from '../../../topology/engine/questions.ts';

const NEVER = new AbortController().signal;
const ANSWER: LookUpAnswer = { tasks: [], opening: [], isSettled: true, found: [] };

function opened(t: TestContext, options: Partial<AnswerThreadOptions> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = (_fields: unknown, message: string): void => void lines.push(message);
  const answers = new AnswerThread({
    config: { application: 'shop' } as AnswerThreadOptions['config'],
    opened: { kind: 'kafka', log: {} as Log },
    live: { lookUp: async () => ANSWER },
    process: null,
    clock,
    logger: { info: log, warn: log, error: log },
    entry: new URL('./scripted-answers.ts', import.meta.url),
    ...options,
  });
  t.after(() => answers.close());
  return { answers, clock, lines };
}

/** Parts and the last line of an answer. */
async function asked(answers: AnswerThread, operation: string, input: unknown = null, signal = NEVER) {
  const parts: string[] = [];
  const answer = answers.ask({ operation, input, isForwarded: false }, signal);
  for (;;) {
    const { done, value } = await answer.next();
    if (done === true) return { parts, last: value };
    parts.push(value);
  }
}

const codeOf = ({ last }: { last: string }): string => JSON.parse(last).error.code;

/** Begins a question, and waits until it is under way. */
function begun(answers: AnswerThread, operation: string, signal = NEVER) {
  const answer = asked(answers, operation, null, signal);
  let isOver = false;
  void answer.finally(() => {
    isOver = true;
  });
  return { answer, isOver: () => isOver };
}

test('without a question there is no thread; the first starts it, and it goes when none came for a while (T1)', async (t) => {
  const { answers, clock } = opened(t);
  assert.equal(answers.isUp, false);
  assert.equal((await asked(answers, 'echo', { a: 1 })).last, '{"a":1}');
  assert.equal(answers.isUp, true);
  await clock.advance(59_000);
  assert.equal(answers.isUp, true);
  assert.equal((await asked(answers, 'echo', 2)).last, '2');
  await clock.advance(59_000);
  assert.equal(answers.isUp, true);
  await clock.advance(1_000);
  assert.equal(answers.isUp, false);
  assert.equal((await asked(answers, 'echo', 3)).last, '3');
});

test('parts come one after the other, each once the one before was taken', async (t) => {
  const { answers } = opened(t);
  assert.deepEqual(await asked(answers, 'parts'), { parts: ['1', '2', '3'], last: '4' });
});

test('what it wants to know of tasks is asked of them, and their errors go back', async (t) => {
  const keys: (string | null)[] = [];
  const { answers } = opened(t, {
    live: {
      lookUp: async ({ key }) => {
        keys.push(key);
        if (key === 'user/u2') throw new RetryableError('TRG_TASK_MOVING', 'it moves');
        return ANSWER;
      },
    },
  });
  assert.deepEqual(JSON.parse((await asked(answers, 'look-up', 'user/u1')).last), ANSWER);
  assert.equal(JSON.parse((await asked(answers, 'look-up', 'user/u2')).last).code, 'TRG_TASK_MOVING');
  assert.deepEqual(keys, ['user/u1', 'user/u2']);
});

test('of more questions than fit some wait, and the others are told (T3)', async (t) => {
  const { answers } = opened(t, { limits: { ...LIMITS, running: 1, waiting: 1 } });
  const first = new AbortController();
  const running = begun(answers, 'hang', first.signal);
  const waiting = begun(answers, 'echo');
  assert.equal(codeOf(await asked(answers, 'echo')), 'TRG_WORKER_BUSY');
  assert.deepEqual([running.isOver(), waiting.isOver()], [false, false]);
  first.abort();
  assert.equal((await running.answer).last, 'given up');
  assert.equal((await waiting.answer).last, 'null');
  assert.equal((await asked(answers, 'echo', 5)).last, '5');
});

test('who waits and goes away leaves the place to the next', async (t) => {
  const { answers } = opened(t, { limits: { ...LIMITS, running: 1, waiting: 1 } });
  const first = new AbortController();
  const gone = new AbortController();
  const running = begun(answers, 'hang', first.signal);
  const left = begun(answers, 'echo', gone.signal);
  gone.abort();
  await left.answer;
  const waiting = begun(answers, 'echo');
  first.abort();
  await running.answer;
  assert.equal((await waiting.answer).last, 'null');
});

test('who listens without end takes no place of those who ask, and there is a bound for him too', async (t) => {
  const { answers } = opened(t, { limits: { ...LIMITS, running: 1, waiting: 0, listening: 1 } });
  const enough = new AbortController();
  const listening = begun(answers, 'decisions.follow', enough.signal);
  assert.equal(codeOf(await asked(answers, 'decisions.follow')), 'TRG_WORKER_BUSY');
  assert.equal((await asked(answers, 'echo', 1)).last, '1');
  enough.abort();
  await listening.answer;
});

test('a question that takes too long is given up, and the thread goes on', async (t) => {
  const { answers, clock } = opened(t);
  const hanging = begun(answers, 'hang');
  assert.equal((await asked(answers, 'echo', 1)).last, '1');
  await clock.advance(LIMITS.answerMs.short);
  const { last } = await hanging.answer;
  assert.equal(JSON.parse(last).error.message, 'the worker cannot answer: the question took longer than 30 s');
  assert.equal((await asked(answers, 'echo', 2)).last, '2');
});

test('a thread that does not hear of that is ended with all its questions, and the next question starts another', async (t) => {
  const { answers, clock, lines } = opened(t);
  const stubborn = begun(answers, 'stubborn');
  const other = begun(answers, 'decisions.follow');
  assert.equal((await asked(answers, 'echo', 1)).last, '1');
  await clock.advance(LIMITS.answerMs.short);
  await clock.advance(5_000);
  assert.equal(codeOf(await stubborn.answer), 'TRG_WORKER_BUSY');
  assert.equal(codeOf(await other.answer), 'TRG_WORKER_FAILED');
  assert.deepEqual(lines, ['the thread that answers questions hangs, and is ended']);
  assert.equal((await asked(answers, 'echo', 2)).last, '2');
});

for (const how of ['exit', 'throw', 'grow']) {
  test(`a thread that ends by itself (${how}) fails its questions alone`, async (t) => {
    const { answers } = opened(t);
    const other = begun(answers, 'hang');
    assert.equal(codeOf(await asked(answers, how)), 'TRG_WORKER_FAILED');
    assert.equal(codeOf(await other.answer), 'TRG_WORKER_FAILED');
    assert.equal((await asked(answers, 'echo', 1)).last, '1');
  });
}

test('on a close all questions end, also those that wait, and nobody is let in', async (t) => {
  const { answers } = opened(t, { limits: { ...LIMITS, running: 1 } });
  const running = begun(answers, 'hang');
  const waiting = begun(answers, 'echo');
  await until(() => answers.isUp, { message: 'the thread is up' });
  await answers.close();
  assert.equal(codeOf(await running.answer), 'TRG_WORKER_BUSY');
  assert.equal(codeOf(await waiting.answer), 'TRG_WORKER_BUSY');
  assert.equal(codeOf(await asked(answers, 'echo')), 'TRG_WORKER_BUSY');
});
