// How many requests a second one address and one write key may send (configuration: http.limits).

import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

export interface RateLimitOptions {
  readonly perKey: number;
  readonly perAddress: number;
}

const WINDOW_MS = 1_000;
/** Addresses and keys that are counted at a time; those that were quiet for longest are forgotten. */
const COUNTED_MAX = 10_000;

/** Throw Refusal (429) beyond the bound. */
export interface RateLimits {
  ofAddress(request: FastifyRequest): Promise<void>;
  ofKey(request: FastifyRequest, key: string): Promise<void>;
}

export async function openRateLimits(
  app: FastifyInstance,
  { perKey, perAddress }: RateLimitOptions,
): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, cache: COUNTED_MAX });
  const keys = new WeakMap<FastifyRequest, string>();
  const address = app.createRateLimit({
    max: perAddress,
    timeWindow: WINDOW_MS,
    keyGenerator: (request) => `address ${request.ip}`,
  });
  const key = app.createRateLimit({
    max: perKey,
    timeWindow: WINDOW_MS,
    keyGenerator: (request) => `key ${keys.get(request)}`,
  });
  return {
    ofAddress: async (request) => check(await address(request), 'this address', 'perAddress', perAddress),
    ofKey: async (request, shown) => {
      keys.set(request, shown);
      check(await key(request), 'this write key', 'perKey', perKey);
    },
  };
}

interface Counted {
  readonly isAllowed: boolean;
  readonly isExceeded?: boolean;
  readonly ttl?: number;
}

function check({ isExceeded = false, ttl = WINDOW_MS }: Counted, who: string, setting: string, most: number): void {
  if (!isExceeded) return;
  const message = `more than ${most} requests a second come from ${who} (http.limits.${setting}): send again later`;
  throw new Refusal(429, 'TRG_HTTP_LIMITED', message, ttl);
}
