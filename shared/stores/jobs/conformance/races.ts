import { expect, test } from 'vitest'
import type { ConformanceOptions, OpenStore } from '../conformance.ts'
import { checkpoint, idOf, storedJob } from './records.ts'

const ROUNDS = 20
const WRITERS = 8
const rounds = Array.from({ length: ROUNDS }, (_, round) => round)

/** 1 to WRITERS, each round in another order. */
const shuffledSeqs = (round: number): number[] =>
  Array.from({ length: WRITERS }, (_, writer) => ((writer * 3 + round) % WRITERS) + 1)

export function raceTests(open: OpenStore, { atomicUpdates }: ConformanceOptions): void {
  const racing = atomicUpdates ? test : test.skip
  const named = (name: string) => (atomicUpdates ? name : `${name} (skipped: updates are not atomic on this server)`)

  racing(named('of writers that race the highest version wins, also when nothing was stored before'), async () => {
    await using opened = await open()
    const other = await opened.openAgain()
    const storeOf = (racer: number) => (racer % 2 === 0 ? opened.store : other)
    for (const round of rounds) {
      const writes = shuffledSeqs(round).map((seq, writer) => storeOf(writer).putNewer([storedJob(round, { seq })]))
      await Promise.all(writes)
    }
    const found = await opened.store.getMany(rounds.map(idOf))
    expect(rounds.map((round) => found.get(idOf(round))?.job.seq)).toEqual(rounds.map(() => WRITERS))
  })

  racing(named('of racers for one checkpoint revision one wins'), async () => {
    await using opened = await open()
    const other = await opened.openAgain()
    const storeOf = (racer: number) => (racer % 2 === 0 ? opened.store : other)
    for (const revision of rounds) {
      const saves = shuffledSeqs(revision).map((racer) =>
        storeOf(racer).saveCheckpoint(checkpoint(revision + 1, { owner: `api-${racer}` }), revision),
      )
      const won = await Promise.all(saves)
      expect(won.filter(Boolean)).toHaveLength(1)
    }
    expect((await opened.store.readCheckpoint())?.revision).toBe(ROUNDS)
  })
}
