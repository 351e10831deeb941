import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import { checkpoint } from './records.ts'

export function checkpointTests(open: OpenStore): void {
  test('there is no checkpoint at first, and the first one is saved over revision 0 alone', async () => {
    await using opened = await open()
    const { store } = opened
    expect(await store.readCheckpoint()).toBeNull()
    expect(await store.saveCheckpoint(checkpoint(8), 7)).toBe(false)
    expect(await store.readCheckpoint()).toBeNull()
    const first = checkpoint(1, { owner: '$api.1', seq: 2 ** 40 })
    expect(await store.saveCheckpoint(first, 0)).toBe(true)
    expect(await store.readCheckpoint()).toEqual(first)
    expect(await store.saveCheckpoint(checkpoint(1, { owner: 'late' }), 0)).toBe(false)
    expect(await store.readCheckpoint()).toEqual(first)
  })

  test('a checkpoint is replaced over its own revision alone', async () => {
    await using opened = await open()
    const { store } = opened
    await store.saveCheckpoint(checkpoint(1), 0)
    const second = checkpoint(2, { generation: 3, seq: 70, rebuild_until: 90, beat: 5, owner: 'api-2' })
    expect(await store.saveCheckpoint(second, 1)).toBe(true)
    expect(await store.saveCheckpoint(checkpoint(2, { owner: 'behind' }), 1)).toBe(false)
    expect(await store.saveCheckpoint(checkpoint(4, { owner: 'ahead' }), 3)).toBe(false)
    expect(await store.readCheckpoint()).toEqual(second)
  })
}
