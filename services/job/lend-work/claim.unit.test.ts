import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LentJob } from '#shared/contracts/http/work.ts'
import { Claim } from './claim.ts'

const job = (id: string) => ({ job_id: id }) as LentJob
const options = { workerId: 'w', types: ['a', 'b'], max: 3, leaseMs: 10_000, waitMs: 1_000 }

describe('a claim', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  test('is answered when it is full', async () => {
    const claim = new Claim({ ...options, max: 2 }, () => true)
    const [one, other] = [claim.reserve(1), claim.reserve(1)]
    expect(claim.room).toBe(0)
    expect(one(job('1'))).toBe(true)
    expect(claim.isOpen).toBe(true)
    expect(other(job('2'))).toBe(true)
    expect(await claim.answer).toEqual([job('1'), job('2')])
  })

  test('is answered with what is there when nothing more is looked for', async () => {
    let isLooking = true
    const claim = new Claim(options, () => isLooking)
    claim.reserve(1)(job('1'))
    claim.settle()
    expect(claim.isOpen).toBe(true)
    isLooking = false
    claim.settle()
    expect(await claim.answer).toEqual([job('1')])
  })

  test('waits no longer than a repeated call says', async () => {
    const claim = new Claim(options, () => false)
    claim.waitAtMost(2_000)
    claim.waitAtMost(100)
    vi.advanceTimersByTime(99)
    expect(claim.isOpen).toBe(true)
    vi.advanceTimersByTime(1)
    expect(await claim.answer).toEqual([])
    const other = new Claim(options, () => false)
    const give = other.reserve(1)
    other.waitAtMost(0)
    expect([other.room, other.isOpen]).toEqual([0, true])
    give(job('1'))
    expect(await other.answer).toEqual([job('1')])
  })

  test('waits for the first job, and no longer than it may', async () => {
    const claim = new Claim(options, () => false)
    claim.settle()
    expect(claim.isOpen).toBe(true)
    vi.advanceTimersByTime(1_000)
    expect(await claim.answer).toEqual([])
  })

  test('whose time is up waits for the jobs that start now', async () => {
    const claim = new Claim(options, () => false)
    const place = claim.reserve(1)
    vi.advanceTimersByTime(1_000)
    expect([claim.isOpen, claim.room]).toEqual([true, 0])
    place(job('1'))
    expect(await claim.answer).toEqual([job('1')])
  })

  test('that does not wait is answered when all lanes were looked at since it came', async () => {
    const claim = new Claim({ ...options, waitMs: 0 }, () => false)
    claim.looked('a')
    claim.settle()
    expect(claim.isOpen).toBe(true)
    claim.looked('b')
    claim.settle()
    expect(await claim.answer).toEqual([])
  })

  test('that was abandoned gives back the jobs it had, and takes none that starts later', async () => {
    const claim = new Claim(options, () => true)
    claim.reserve(1)(job('1'))
    const late = claim.reserve(1)
    expect(claim.abandon()).toEqual([job('1')])
    expect(await claim.answer).toEqual([])
    expect(late(job('2'))).toBe(false)
    expect([claim.room, claim.abandon()]).toEqual([0, []])
  })

  test('has no room beyond what one message of the broker holds', async () => {
    const claim = new Claim(options, () => false)
    claim.reserve(2 * 1024 * 1024)(job('1'))
    expect(claim.room).toBe(0)
    expect(await claim.answer).toEqual([job('1')])
  })

  test('gives up a place that turned out to be nobody’s', () => {
    const claim = new Claim(options, () => false)
    claim.reserve(1)(null)
    expect([claim.isOpen, claim.room]).toEqual([true, 3])
  })
})
