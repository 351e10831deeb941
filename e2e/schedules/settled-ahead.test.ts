import { expect, test, vi } from 'vitest'
import { DAY, isoTime, SECOND } from '#shared/time/clock.ts'
import { startMixed } from '../support/hasty.ts'
import { expectEachOnce, named, oldRecord, openLog, openRecords, view } from './schedule-calls.ts'

test('a schedule that a clock of the next month has settled goes on from now, says so, and makes no tick twice', async () => {
  await using hasty = await startMixed(['keeper'], { keepers: 2, jobs: 0 })
  await using log = await openLog(hasty.nats.url)
  await using old = await openRecords(hasty.nats.url)
  const startMs = Math.floor(Date.now() / SECOND) * SECOND
  const ahead = { settled_until: isoTime(startMs + 30 * DAY), anchor: isoTime(startMs + 30 * DAY) }
  await old.write(oldRecord('seconds', startMs, { every_ms: 1_000, on_missed: 'all', ...ahead }))
  await old.write(oldRecord('days', startMs, { cron: '0 0 * * *', ...ahead }))
  await old.write(oldRecord('paused', startMs, { cron: '0 0 * * *', paused: true, ...ahead }))

  const days = await vi.waitFor(
    async () => {
      const seen = await view(hasty.url, 'days')
      expect(seen).toMatchObject({ last_error: { name: 'ClockError' } })
      return seen
    },
    { timeout: 20_000 },
  )
  expect(days.last_error?.message).toContain(ahead.settled_until)
  expect(Date.parse(days.next_run_at ?? '')).toBeLessThanOrEqual(startMs + 2 * DAY)
  await vi.waitFor(
    async () => {
      const ticks = await log.ticks('seconds')
      expect(ticks.length).toBeGreaterThanOrEqual(3)
      expectEachOnce(ticks, 1_000)
      expect(ticks[0]?.tickMs).toBeLessThan(startMs + 10 * SECOND)
    },
    { timeout: 20_000 },
  )
  expect(await view(hasty.url, 'seconds')).toMatchObject({ last_error: null })
  expect((await old.records.read(named('paused')))?.record).toMatchObject(ahead)
  const warned = (await Promise.all(hasty.keeper.map((api) => api.logs()))).flat()
  expect(warned.filter((line) => 'settled_until' in line)).toHaveLength(2)
})
