import { afterAll, beforeAll, expect } from 'vitest'
import { leaksSince, type OpenResources, openResources } from './leaks.ts'

// Runs for every file of tests that starts anything real. Registered before all hooks of the file itself, it runs after
// them: a resource that a test has left behind is this file's failure, not the next one's riddle.

let before: OpenResources
beforeAll(() => {
  before = openResources()
})

afterAll(async () => {
  expect(await leaksSince(before), 'left behind by this file').toEqual([])
})
