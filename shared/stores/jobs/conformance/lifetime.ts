import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import { checkpoint, idOf, storedJob } from './records.ts'

export function lifetimeTests(open: OpenStore): void {
  test('jobs and checkpoint survive a close and are there when opened again', async () => {
    await using opened = await open()
    const job = storedJob(1, { seq: 1 })
    await opened.store.putNewer([job])
    await opened.store.saveCheckpoint(checkpoint(1), 0)
    await opened.store.close()
    const again = await opened.openAgain()
    expect(await again.get(idOf(1))).toEqual(job)
    expect(await again.readCheckpoint()).toEqual(checkpoint(1))
  })

  test('what one replica wrote another sees at once', async () => {
    await using opened = await open()
    const other = await opened.openAgain()
    const job = storedJob(1, { seq: 1 })
    await opened.store.putNewer([job])
    expect(await other.get(idOf(1))).toEqual(job)
    await other.putNewer([storedJob(1, { seq: 2 })])
    expect((await opened.store.get(idOf(1)))?.job.seq).toBe(2)
  })

  test('ping answers while open and throws after a close; closing twice is fine', async () => {
    await using opened = await open()
    const { store } = opened
    await store.ping()
    await store.close()
    await store.close()
    await expect(store.ping()).rejects.toThrow()
    await expect(store.get(idOf(1))).rejects.toThrow()
    await expect(store.putNewer([storedJob(1, { seq: 1 })])).rejects.toThrow()
    await expect(store.readCheckpoint()).rejects.toThrow()
  })
}
