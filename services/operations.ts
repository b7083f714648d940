// What may be asked of a worker that runs, one line each; without one the same functions answer in the asker's process.
//
// Owns: the list, and the types that follow from it. Does not own: how a question travels (live/).

import { answered, change, forwarded, type Operation, read } from './operation.ts';
import type { ServiceContext } from './service-context.ts';

export const OPERATIONS = {
  'decisions.query': read('long', async () => (await import('./decisions/query.ts')).queryService),
  'decisions.page': read('short', async () => (await import('./decisions/page.ts')).pageService),
  'decisions.follow': read('endless', async () => (await import('./decisions/follow.ts')).followService),
  'deliveries.undelivered': read('long', async () => (await import('./deliveries/undelivered.ts')).undeliveredService),
  'events.learn': read('long', async () => (await import('./events/learn.ts')).learnService),
  explain: read('long', async () => (await import('./explain/explain.ts')).explainService),
  'state.tasks': read('long', async () => (await import('./state/tasks.ts')).tasksService),
  'state.entity': forwarded(read('short', async () => (await import('./state/entity.ts')).entityService)),
  'inbox.read': forwarded(read('short', async () => (await import('./inbox/inbox.ts')).inboxService)),
  'state.export': read('long', async () => (await import('./state/export-state.ts')).exportService),
  'flows.list': read('long', async () => (await import('./flows/flows.ts')).listService),
  'flows.cancel': change('long', async () => (await import('./flows/cancel.ts')).cancelService),
  'reviews.list': read('long', async () => (await import('./reviews/list.ts')).listService),
  'reviews.answer': change('long', async () => (await import('./reviews/answer.ts')).answerService),
  'reviews.assign': change('long', async () => (await import('./reviews/answer.ts')).assignService),
  'consent.change': change('short', async () => (await import('./consent/consent.ts')).changeService),
  'consent.show': read('long', async () => (await import('./consent/consent.ts')).showService),
  'deliveries.query': read('long', async () => (await import('./deliveries/query.ts')).queryService),
  'deliveries.follow': read('endless', async () => (await import('./deliveries/follow.ts')).followService),
  'deliveries.message': read('long', async () => (await import('./deliveries/message.ts')).messageService),
  'preview.last': read('long', async () => (await import('./preview/last-messages.ts')).lastMessagesService),
  'channels.list': read('short', async () => (await import('./channels/channels.ts')).listService),
  'channels.change': change('short', async () => (await import('./channels/channels.ts')).changeService),
  'channels.test': change('long', async () => (await import('./channels/test-channel.ts')).testService),
  'dead-letters.list': read('long', async () => (await import('./dead-letters/letters.ts')).listService),
  'dead-letters.replay': change('long', async () => (await import('./dead-letters/letters.ts')).replayService),
  'rules.status': read('short', async () => (await import('./rules/versions.ts')).statusService),
  'rules.diff': read('long', async () => (await import('./rules/versions.ts')).diffService),
  'rules.publish': change('short', async () => (await import('./rules/versions.ts')).publishService),
  'rules.rollback': change('short', async () => (await import('./rules/versions.ts')).rollBackService),
  'topics.plan': read('short', async () => (await import('./topics/topics.ts')).planService),
  'topics.apply': change('short', async () => (await import('./topics/topics.ts')).applyService),
} as const;

type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;

type Of<Name extends OperationName> =
  Operations[Name] extends Operation<infer Input, infer Item, infer Result> ? [Input, Item, Result] : never;
export type InputOf<Name extends OperationName> = Of<Name>[0];
export type ItemOf<Name extends OperationName> = Of<Name>[1];
export type ResultOf<Name extends OperationName> = Of<Name>[2];

/** Whoever answers: this process, or a worker that runs. */
export interface Services {
  /** Items and result of the operation; throws what it throws, and what asking a worker throws (live/client.ts). */
  ask<Name extends OperationName>(
    name: Name,
    input: InputOf<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<ItemOf<Name>, ResultOf<Name>, void>;
}

/** Answers in this process. */
export function servicesHere(context: ServiceContext): Services {
  return {
    async *ask(name, input, signal) {
      const operation = OPERATIONS[name] as Operation<typeof input, never, never>;
      return yield* answered(await operation.load(), context, input, { signal, isForwarded: false });
    },
  };
}
