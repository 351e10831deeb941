import { describe } from 'vitest'
import type { FreshStore } from '../open-fresh.ts'
import { checkpointTests } from './conformance/checkpoint.ts'
import { countTests } from './conformance/counts.ts'
import { errorTests } from './conformance/errors.ts'
import { jobTests } from './conformance/jobs.ts'
import { lifetimeTests } from './conformance/lifetime.ts'
import { listTests } from './conformance/lists.ts'
import { matchTests } from './conformance/matches.ts'
import { modelTests } from './conformance/model.ts'
import { raceTests } from './conformance/races.ts'
import { searchTests } from './conformance/searches.ts'
import { seriesTests } from './conformance/series.ts'
import { tenantTests } from './conformance/tenants.ts'
import type { JobStore } from './job-store.ts'

export type OpenStore = () => Promise<FreshStore<JobStore>>

export interface ConformanceOptions {
  /** Whether a guarded update is atomic against rivals; the tests of races are skipped, by name, where it is not. */
  atomicUpdates: boolean
  /** Runs of the property test; each opens a store. */
  propertyRuns: number
}

/** The tests that every JobStore must pass. Call it in a test file of the adapter. */
export function testJobStore(name: string, open: OpenStore, options: ConformanceOptions): void {
  describe(`${name} as a JobStore`, () => {
    jobTests(open)
    searchTests(open)
    listTests(open)
    countTests(open)
    matchTests(open)
    tenantTests(open)
    seriesTests(open)
    errorTests(open)
    checkpointTests(open)
    lifetimeTests(open)
    raceTests(open, options)
    modelTests(open, options)
  })
}
