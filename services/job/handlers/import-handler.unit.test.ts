import { expect, test } from 'vitest'
import { userPolicySchema } from '#shared/contracts/log/job-type.ts'
import type { HandlerPolicy } from './handler-types.ts'

test('the type of a policy has the members that a policy may have', () => {
  const policy: Required<HandlerPolicy> = {
    timeout_ms: 1,
    timeout_max_ms: 1,
    max_attempts: 1,
    max_attempts_limit: 1,
    backoff: { kind: 'fixed', base_ms: 1, max_ms: 1, jitter: 0 },
    concurrency: null,
    on_timeout: 'cancel',
    cooldown: true,
    max_crashes: 0,
  }
  expect(userPolicySchema.parse(policy)).toEqual(policy)
  expect(Object.keys(policy).toSorted()).toEqual(Object.keys(userPolicySchema.shape).toSorted())
})
