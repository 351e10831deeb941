import { expect, test } from 'vitest'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../../e2e/support/bus.ts'
import { JobTypes } from './job-types.ts'

const lane = (type: string): LaneInfo =>
  ({ type, delivered: 0, info: { type, policy: DEFAULT_POLICY, payload_schema: null } }) as LaneInfo

test('a type that was registered while a look was under way is found by the look that follows it', async () => {
  const looks: PromiseWithResolvers<LaneInfo[]>[] = []
  let tellChange = (): void => undefined
  const list = () => {
    const look = Promise.withResolvers<LaneInfo[]>()
    looks.push(look)
    return look.promise
  }
  const watch = (onChanged: () => void) => {
    tellChange = onChanged
    return () => undefined
  }
  const types = new JobTypes({ list, watch }, systemClock, silentLog)
  const starting = types.start()
  tellChange()
  tellChange()
  const asked = types.get('new')
  looks[0]?.resolve([lane('old')])
  await starting
  expect(types.known('old')).toBeDefined()
  expect(types.known('new')).toBeUndefined()
  await expect.poll(() => looks.length).toBe(2)
  looks[1]?.resolve([lane('old'), lane('new')])
  expect(await asked).toMatchObject({ info: { type: 'new' } })
  // The last look was a moment ago, and nobody said that anything has changed.
  await expect(types.get('newer')).rejects.toMatchObject({ code: 'unknown-type' })
  expect(looks).toHaveLength(2)
  await types.stop()
})
