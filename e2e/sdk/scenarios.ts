import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'

interface Expected {
  status?: string
  status_in?: string[]
  reason?: string
  outcomes?: string[]
  result?: unknown
  error?: Record<string, unknown>
  progress?: Record<string, unknown>
  /** Milliseconds that the job takes at least. */
  at_least_ms?: number
}

export interface Scenario {
  name: string
  /** How many such jobs there are; 1 by default. */
  count?: number
  job: Record<string, unknown>
  cancel_when_running?: boolean
  expect: Expected
}

interface Scenarios {
  policy: Record<string, unknown> & { timeout_ms: number }
  lease_s: number
  scenarios: Scenario[]
}

const file = join(import.meta.dirname, '../../sdk/conformance/scenarios.json')
export const SCENARIOS = JSON.parse(readFileSync(file, 'utf8')) as Scenarios

export const hasEnded = ({ status }: JobView): boolean => status !== 'processing' && status !== 'scheduled'

export const outcomesOf = ({ attempts }: JobView) => attempts.map(({ outcome }) => outcome)

export function expectAsDescribed(job: JobView, { expect: wanted }: Scenario): void {
  const { status, status_in: statuses = [status], outcomes, at_least_ms: atLeastMs = 0, ...members } = wanted
  expect(statuses).toContain(job.status)
  expect(job).toMatchObject(members)
  if ('result' in wanted) expect(job.result).toEqual(wanted.result)
  if (outcomes !== undefined) expect(outcomesOf(job), JSON.stringify(job.attempts)).toEqual(outcomes)
  const tookMs = Date.parse(job.finished_at ?? '') - Date.parse(job.created_at)
  expect(tookMs).toBeGreaterThanOrEqual(atLeastMs)
}
