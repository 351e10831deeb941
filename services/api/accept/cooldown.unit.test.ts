import { describe, expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'
import { cooldownError, durationText } from './cooldown.ts'

test.each([
  [5 * MINUTE, '5 minutes'],
  [1 * MINUTE, '1 minute'],
  [1 * HOUR, '1 hour'],
  [24 * HOUR, '24 hours'],
  [2 * SECOND, '2 seconds'],
  [1 * SECOND, '1 second'],
  [1_500, '1.5 seconds'],
  [90 * SECOND, '90 seconds'],
  [90 * MINUTE, '90 minutes'],
  [1, '1 millisecond'],
  [999, '999 milliseconds'],
])('%d ms are "%s"', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

describe('the refusal', () => {
  const refusal = { type: 'sleep', cooldownMs: 5 * MINUTE, status: 400, nowMs: 1_000_000 } as const
  const heldSince = (acceptedAtMs: number) => ({ ...refusal, holder: { jobId: 'the-holder', acceptedAtMs } })

  test('names the holder, the cooldown and the seconds left', () => {
    const error = cooldownError(heldSince(refusal.nowMs - MINUTE))
    expect(error).toMatchObject({ code: 'cooldown', status: 400, headers: { 'Retry-After': '240' } })
    expect(error.message).toBe('A job of type sleep used this object_id less than 5 minutes ago. Try again in 240 s.')
    expect(error.members['error']).toBe('This object_id was used less than 5 minutes ago.')
    expect(error.members).toMatchObject({ job_id: 'the-holder', existing_job_id: 'the-holder', retry_after_s: 240 })
  })

  test('rounds what is left up, so that whoever waits so long is not refused again', () => {
    expect(cooldownError(heldSince(refusal.nowMs - 5 * MINUTE + 1)).headers['Retry-After']).toBe('1')
    expect(cooldownError(heldSince(refusal.nowMs - MINUTE + 1)).headers['Retry-After']).toBe('241')
  })

  test.each([
    ['ahead', refusal.nowMs + HOUR, '300'],
    ['behind', refusal.nowMs - HOUR, '1'],
  ])('stays within 1 second and the cooldown where the broker’s clock is %s', (_, acceptedAtMs, seconds) => {
    expect(cooldownError(heldSince(acceptedAtMs)).headers['Retry-After']).toBe(seconds)
  })

  test('without a known holder still says how long', () => {
    const error = cooldownError({ ...refusal, status: 409, holder: null })
    expect(error).toMatchObject({ status: 409, headers: { 'Retry-After': '300' } })
    expect(error.members).not.toHaveProperty('job_id')
  })
})
