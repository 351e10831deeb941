import { describe, expect, test } from 'vitest'
import { checkInvariants } from '../support/check-invariants.ts'
import { startFaultRun } from '../support/fault-run.ts'

// Some clusters at a time, the longest test first: most of each test is waiting.
describe.concurrent('api and keeper', () => {
  test('apis are killed by turns under load: no accepted job is lost and nothing is accepted twice', async () => {
    await using run = await startFaultRun({ perSecond: 80 })
    for (let round = 0; round < 6; round++) {
      await run.acceptedReach(run.load.accepted.length + 50)
      const replica = run.hasty.api[round % 2]
      replica?.kill('SIGKILL')
      await replica?.exited()
      await run.acceptedReach(run.load.accepted.length + 20)
      await replica?.restart()
    }
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    expect(evidence.posts.filter(({ outcome }) => outcome === 'accepted').length).toBeGreaterThan(400)
  })

  test('the owner of the projection is killed, and the keeper after it too: the other applies the log on', async () => {
    await using run = await startFaultRun()
    for (let round = 1; round <= 3; round++) {
      await run.acceptedReach(run.load.accepted.length + 80)
      const owner = await run.owner()
      owner.kill('SIGKILL')
      await owner.exited()
      expect((await run.owner()).name).not.toBe(owner.name)
      await owner.restart()
    }
    await run.acceptedReach(run.load.accepted.length + 40)
    expect(checkInvariants(await run.settle())).toEqual([])
  })

  test('the owner of the projection freezes and wakes again: two owners for a moment harm nothing', async () => {
    await using run = await startFaultRun()
    for (let round = 1; round <= 3; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      const owner = await run.freezeOwner()
      await run.ownerIsNot(owner)
      await run.acceptedReach(run.load.accepted.length + 30)
      owner.kill('SIGCONT')
    }
    expect(checkInvariants(await run.settle())).toEqual([])
  })

  test('a run without a fault breaks nothing', async () => {
    await using run = await startFaultRun({ total: 200 })
    await run.load.done
    expect(checkInvariants(await run.settle())).toEqual([])
  })
})
