// What an answer, or the lack of one, means for the caller.
//
// Owns: the cluster's error names in groups, their translation to ours. Does not own: what a refusal says (refusal.ts).

import type { ErrorCode, ErrorFields } from '../../../lib/errors.ts';
import { EngineError, FatalError, FencedError, RetryableError } from '../../../lib/errors.ts';
import { refusalText } from './refusal.ts';

/** The request may be sent again as it is, perhaps to another broker: nothing came of it. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'BROKER_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_OR_FOLLOWER',
  'OFFSET_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNSTABLE_OFFSET_COMMIT',
]);

/** The producer was replaced, or the cluster and it do not agree on where it is: only a new one can go on. */
const FENCED: ReadonlySet<string> = new Set([
  'DUPLICATE_SEQUENCE_NUMBER',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'PRODUCER_FENCED',
  'TRANSACTION_ABORTABLE',
  'UNKNOWN_PRODUCER_ID',
]);

/** The group went on without the member that asks, or is about to deal out its partitions anew. */
const MEMBER_LOST: ReadonlySet<string> = new Set([
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH',
  'UNKNOWN_MEMBER_ID',
]);

const REFUSED_LOGIN: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'UNSUPPORTED_VERSION',
]);

/** A certificate that one side does not take: time does not mend it. Node's and OpenSSL's codes. */
const CERTIFICATE = /^(CERT_|DEPTH_ZERO|ERR_TLS_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|ERR_SSL_.*CERT)/;

/** The names of the errors in an answer; none when there was no answer. */
export function errorNames(error: unknown): readonly string[] {
  const names: string[] = [];
  const visit = (each: unknown): void => {
    const { apiId, errors } = each as { apiId?: unknown; errors?: unknown };
    if (typeof apiId === 'string') names.push(apiId);
    if (Array.isArray(errors)) errors.forEach(visit);
  };
  if (typeof error === 'object' && error !== null) visit(error);
  return names;
}

/** True when the cluster did not answer: what was asked may have been done or not. */
export function isUnanswered(error: unknown): boolean {
  return !(error instanceof EngineError) && errorNames(error).length === 0 && isNetwork(error);
}

/** True when asking again may help. */
export function isTransient(error: unknown): boolean {
  if (error instanceof EngineError || isLogin(error) || certificateProblem(error) !== null) return false;
  const names = errorNames(error);
  return isUnanswered(error) || (names.length > 0 && names.every((name) => TRANSIENT.has(name)));
}

/** The error of ours for one of the library; ours and bugs are returned as they are. `fields` name what was asked for. */
export function engineErrorOf(error: unknown, doing: string, fields: ErrorFields = {}): unknown {
  if (error instanceof EngineError) return error;
  const names = errorNames(error);
  const said = names.length === 0 ? '' : `: ${names.join(', ')}`;
  const make = (Kind: new (code: ErrorCode, text: string, fields: ErrorFields, cause: unknown) => EngineError) => {
    return (code: ErrorCode, text: string) => new Kind(code, `${text} ${doing}${said}`, fields, error);
  };
  const certificate = certificateProblem(error);
  if (certificate !== null) {
    const text = `no trusted connection (${certificate}): check kafka.tls and the certificates of both sides;`;
    return make(FatalError)('TRG_LOG_DENIED', text);
  }
  if (chain(error).some(({ message }) => message === 'Broker requires TLS.')) {
    return make(FatalError)('TRG_LOG_DENIED', 'the broker speaks TLS on this port: set kafka.tls (empty will do);');
  }
  if (isLogin(error)) return make(FatalError)('TRG_LOG_DENIED', `the cluster refused the log-in${loginText(error)}`);
  if (names.some((name) => name.endsWith('AUTHORIZATION_FAILED'))) {
    return new FatalError('TRG_LOG_DENIED', `${refusalText(error, fields)} ${doing}${said}`, fields, error);
  }
  if (names.some((name) => FENCED.has(name))) return make(FencedError)('TRG_LOG_FENCED', 'another took over');
  if (names.some((name) => MEMBER_LOST.has(name))) {
    return make(FencedError)('TRG_MEMBER_LOST', 'the group went on without this worker, which tried');
  }
  if (isTransient(error)) {
    const brokeOff = chain(error).some(({ code }) => code === 'PLT_KFK_AUTHENTICATION');
    const hint = brokeOff ? ' (the connection ended amid the log-in: do kafka.tls and kafka.sasl fit its port?)' : '';
    return make(RetryableError)('TRG_LOG_UNREACHABLE', `the cluster did not answer${hint}`);
  }
  // A broker that fails at something it was asked may have done it, or may do it the next time: a new life finds out.
  if (names.includes('UNKNOWN_SERVER_ERROR')) {
    return make(RetryableError)('TRG_LOG_UNREACHABLE', 'the cluster failed, for a reason of its own,');
  }
  return names.length === 0 ? error : make(FatalError)('TRG_LOG_REFUSED', 'the cluster refused');
}

function isNetwork(error: unknown): boolean {
  return chain(error).some(({ code }) => code === 'PLT_KFK_NETWORK' || code === 'PLT_KFK_TIMEOUT');
}

/**
 * Whether the log-in itself was refused. A connection that broke amid it, a session renewed too soon and a token that could
 * not be had just now (oauth.ts) are tried again.
 */
function isLogin(error: unknown): boolean {
  const all = chain(error);
  if (!all.some(({ code }) => code === 'PLT_KFK_AUTHENTICATION')) return false;
  return all.some((each) => each instanceof FatalError || REFUSED_LOGIN.has(String(each.apiId)));
}

/** What the cluster, or who gives out tokens, said. */
function loginText(error: unknown): string {
  const all = chain(error);
  const token = all.find((each) => each instanceof FatalError);
  const said = token?.message ?? all.map((each) => each.serverErrorMessage).find((text) => typeof text === 'string');
  return said === undefined ? '' : ` (${said})`;
}

function certificateProblem(error: unknown): string | null {
  for (const { code } of chain(error)) if (typeof code === 'string' && CERTIFICATE.test(code)) return code;
  return null;
}

interface Part {
  readonly code?: unknown;
  readonly apiId?: unknown;
  readonly message?: string;
  readonly serverErrorMessage?: unknown;
}

/** An error with its causes and parts, each once: the library's errors may be shared by several requests. */
function chain(error: unknown, seen = new Set<unknown>()): Part[] {
  if (typeof error !== 'object' || error === null || seen.has(error)) return [];
  seen.add(error);
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const parts = Array.isArray(errors) ? errors.flatMap((each) => chain(each, seen)) : [];
  return [error as Part, ...chain(cause, seen), ...parts];
}
