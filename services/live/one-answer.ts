// Questions whose answer is one result, asked of whoever answers in this process.

import { assert } from '../../lib/assert.ts';
import { decodeError } from '../../lib/wire-error.ts';
import type { InputOf, OperationName, ResultOf } from '../operations.ts';
import type { AnswerLine } from './protocol.ts';
import type { Answers } from './socket-server.ts';

/** The last line of an answer. Throws what whoever answers throws. */
export async function lastLine(
  answers: Answers,
  question: Parameters<Answers['ask']>[0],
  signal: AbortSignal,
): Promise<Exclude<AnswerLine, { item: unknown }>> {
  const answer = answers.ask(question, signal);
  for (;;) {
    const { done, value } = await answer.next();
    if (done !== true) continue;
    const line = JSON.parse(value) as AnswerLine;
    assert(!('item' in line), 'an answer ends with a result or an error');
    return line;
  }
}

/** The result. Throws what the operation throws, and RetryableError TRG_WORKER_BUSY, FatalError TRG_WORKER_FAILED. */
export async function oneAnswer<Name extends OperationName>(
  answers: Answers,
  operation: Name,
  input: InputOf<Name>,
  signal: AbortSignal,
): Promise<ResultOf<Name>> {
  const line = await lastLine(answers, { operation, input, isForwarded: false }, signal);
  if ('error' in line) throw decodeError(line.error);
  return line.result as ResultOf<Name>;
}
