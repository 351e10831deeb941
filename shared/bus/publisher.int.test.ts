import { describe, expect, test, vi } from 'vitest'
import { HEADERS } from '#shared/contracts/log/events.ts'
import { historyFilter } from '#shared/contracts/log/subjects.ts'
import { createdPublication, endPublication, newAddress, startTestBus } from '../../e2e/support/bus.ts'
import type { PublishResult } from './publication.ts'

const SOON = { deadlineMs: 10_000 }

const kinds = (results: PublishResult[], kind: PublishResult['kind']) =>
  results.filter((result) => result.kind === kind)

describe.each([{ groupCommit: false }, { groupCommit: true }])(
  'publisher, group commit $groupCommit',
  ({ groupCommit }) => {
    test('of many racing publishes with one dedupe id one is stored, and the others are told its sequence', async () => {
      await using bus = await startTestBus({ groupCommit })
      const results = await Promise.all(
        Array.from({ length: 200 }, () => bus.publisher.publish(createdPublication(newAddress(), 'o:same'), SOON)),
      )
      const [winner] = kinds(results, 'stored')
      expect(kinds(results, 'stored')).toHaveLength(1)
      expect(kinds(results, 'duplicate')).toHaveLength(199)
      for (const result of kinds(results, 'duplicate'))
        expect(result).toEqual({ kind: 'duplicate', seq: seqOf(winner) })
    })

    test('of two racing ends of one job exactly one is stored', async () => {
      await using bus = await startTestBus({ groupCommit })
      const rounds = await Promise.all(
        Array.from({ length: 300 }, async () => {
          const job = newAddress()
          const created = await bus.publisher.publish(createdPublication(job), SOON)
          return Promise.all([
            bus.publisher.publish(endPublication(job, 'job:finished', seqOf(created)), SOON),
            bus.publisher.publish(endPublication(job, 'job:cancelled', seqOf(created)), SOON),
          ])
        }),
      )
      for (const ends of rounds) expect(ends.map(({ kind }) => kind).toSorted()).toEqual(['refused', 'stored'])
    })

    test('the sequence that is returned is that of the very message, refused and repeated ones among them', async () => {
      await using bus = await startTestBus({ groupCommit })
      const publications = Array.from({ length: 300 }, (_, i) => createdPublication(newAddress(), `o:${i % 270}`))
      const results = await Promise.all(publications.map((publication) => bus.publisher.publish(publication, SOON)))
      expect(kinds(results, 'stored')).toHaveLength(270)
      for (const [i, result] of results.entries()) {
        if (result.kind !== 'stored') continue
        const message = await bus.stream.atSequence(result.seq)
        expect(message?.headers.get(HEADERS.nonce)).toBe(publications[i]?.nonce)
      }
    })

    test('with the broker frozen past the timeout every publish still gets its true verdict', async () => {
      await using bus = await startTestBus({ groupCommit })
      const jobs = Array.from({ length: 100 }, newAddress)
      const created = await Promise.all(jobs.map((job) => bus.publisher.publish(createdPublication(job), SOON)))
      const ends = jobs.flatMap((job, i) => [
        bus.publisher.publish(endPublication(job, 'job:finished', seqOf(created[i])), SOON),
        bus.publisher.publish(endPublication(job, 'job:cancelled', seqOf(created[i])), SOON),
      ])
      await bus.nats.kill('SIGSTOP')
      // Longer than one publish waits for its ack, so that all of them are repeated.
      const frozenAtMs = performance.now()
      await vi.waitFor(() => expect(performance.now() - frozenAtMs).toBeGreaterThan(2_000), 3_000)
      await bus.nats.kill('SIGCONT')
      const results = await Promise.all(ends)
      for (const [i, job] of jobs.entries()) {
        const pair = [results[2 * i], results[2 * i + 1]]
        expect(pair.map((result) => result?.kind ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
          'refused',
          'stored',
        ])
        const last = await bus.stream.lastOf(historyFilter(job))
        expect(last?.subject.startsWith(pair[0]?.kind === 'stored' ? 'job:finished' : 'job:cancelled')).toBe(true)
      }
    })
  },
)

test('what the broker can never take is refused at once, and not tried for ever', async () => {
  await using bus = await startTestBus()
  const job = newAddress()
  const publication = { ...createdPublication(job), body: JSON.stringify({ text: 'x'.repeat(5 * 1024 * 1024) }) }
  const refused = { name: 'AppError', code: 'payload-too-large' }
  await expect(bus.publisher.publish(publication, { deadlineMs: Number.POSITIVE_INFINITY })).rejects.toMatchObject(
    refused,
  )
  await expect(bus.publisher.publishBatch([publication], { deadlineMs: 60_000 })).rejects.toMatchObject(refused)
  expect(await bus.stream.lastOf(publication.subject)).toBeNull()
})

test('a publish while the broker is away is refused at its deadline and not stored later', async () => {
  await using bus = await startTestBus()
  await bus.nats.kill('SIGKILL')
  const job = newAddress()
  await expect(bus.publisher.publish(createdPublication(job), { deadlineMs: 300 })).rejects.toMatchObject({
    code: 'unavailable',
  })
  await bus.nats.restart()
  const next = newAddress()
  await bus.publisher.publish(createdPublication(next), SOON)
  expect(await bus.stream.lastOf(historyFilter(job))).toBeNull()
})

function seqOf(result: PublishResult | undefined): number {
  if (result === undefined || result.kind === 'refused') throw new Error('refused where it should be stored')
  return result.seq
}
