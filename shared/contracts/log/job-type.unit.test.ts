import { expect, test } from 'vitest'
import { DEFAULT_POLICY, declaredPolicySchema, jobPolicySchema } from './job-type.ts'
import { DELAY_MAX_MS } from './limits.ts'

const withBackoff = (base_ms: number, max_ms: number) => ({
  ...DEFAULT_POLICY,
  backoff: { ...DEFAULT_POLICY.backoff, base_ms, max_ms },
})

test('what a handler says has a maximum', () => {
  for (const policy of [DEFAULT_POLICY, { ...DEFAULT_POLICY, timeout_ms: 2 ** 31 - 1 }, withBackoff(0, DELAY_MAX_MS)])
    expect(declaredPolicySchema.safeParse(policy).success).toBe(true)
  for (const policy of [
    { ...DEFAULT_POLICY, timeout_ms: 30 * 86_400_000 },
    { ...DEFAULT_POLICY, timeout_ms: Infinity },
    withBackoff(0, DELAY_MAX_MS + 1),
    withBackoff(9e15, DELAY_MAX_MS),
  ])
    expect(declaredPolicySchema.safeParse(policy).success).toBe(false)
})

test('what the lanes of an older version say is still read', () => {
  expect(jobPolicySchema.safeParse({ ...withBackoff(9e15, 9e15), timeout_ms: 30 * 86_400_000 }).success).toBe(true)
})
