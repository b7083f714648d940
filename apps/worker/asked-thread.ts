// Questions to an engine thread that runs beside this one, and their answers, as messages.

import { RetryableError } from '../../lib/errors.ts';
import { decodeError, type WireError } from '../../lib/wire-error.ts';
import type { LookUp, LookUpAnswer } from '../../topology/engine/questions.ts';

export interface LookUpQuestion {
  readonly kind: 'look-up';
  readonly id: number;
  readonly lookUp: LookUp;
}

export interface LookUpReply {
  readonly kind: 'answer';
  readonly id: number;
  readonly result: { readonly answer: LookUpAnswer } | { readonly error: WireError };
}

export class AskedThread {
  readonly #tell: (question: LookUpQuestion) => void;
  readonly #open = new Map<number, PromiseWithResolvers<LookUpAnswer>>();
  #asked = 0;

  constructor(tell: (question: LookUpQuestion) => void) {
    this.#tell = tell;
  }

  /** Throws what the thread answers with, RetryableError TRG_TASK_MOVING when it ends before. */
  ask(lookUp: LookUp): Promise<LookUpAnswer> {
    const id = ++this.#asked;
    const question = Promise.withResolvers<LookUpAnswer>();
    this.#open.set(id, question);
    this.#tell({ kind: 'look-up', id, lookUp });
    return question.promise;
  }

  answered({ id, result }: LookUpReply): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    if ('error' in result) question?.reject(decodeError(result.error));
    else question?.resolve(result.answer);
  }

  /** The thread is gone. */
  close(): void {
    const error = new RetryableError('TRG_TASK_MOVING', 'an engine thread of this worker has ended');
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
  }
}
