import { describe, expect, test } from 'vitest'
import { checkInvariants } from '../support/check-invariants.ts'
import { startFaultRun } from '../support/fault-run.ts'

describe('an api replica', () => {
  test('with nothing wrong, load runs clean', async () => {
    await using run = await startFaultRun({ total: 300 })
    await run.load.done
    expect(checkInvariants(await run.settle())).toEqual([])
  })
})
