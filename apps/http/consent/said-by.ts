// What a person said of messages so far, as the worker that has the person knows it.

import { oneAnswer } from '../../../services/live/one-answer.ts';
import type { Answers } from '../../../services/live/socket-server.ts';
import type { SaidBy } from './routes.ts';

/** The first question of a worker takes some seconds; the server answers for what has no answer after 30. */
const PATIENCE_MS = 25_000;

export async function saidBy(worker: Answers, entity: Parameters<SaidBy>[0]): ReturnType<SaidBy> {
  const { type, id } = entity;
  const { documents } = await oneAnswer(worker, 'state.entity', { type, id }, AbortSignal.timeout(PATIENCE_MS));
  const consent = (documents[0]?.['consent'] ?? []) as readonly {
    readonly category: string;
    readonly allowed: boolean;
    readonly isPending?: boolean;
  }[];
  return (about) => {
    const found = consent.find(({ category }) => category === about);
    return found && { isAllowed: found.allowed, isPending: found.isPending === true };
  };
}
