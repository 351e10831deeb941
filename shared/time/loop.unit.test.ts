import { afterEach, expect, test, vi } from 'vitest'
import { sleep } from './clock.ts'
import { IntervalLoop } from './loop.ts'

afterEach(() => void vi.useRealTimers())

test.each([2 ** 31, 30 * 86_400_000 * 1_000, Infinity])(
  'an interval of %s ms waits as long as a timer can',
  async (ms) => {
    vi.useFakeTimers()
    let runs = 0
    const loop = new IntervalLoop(
      ms,
      async () => {
        runs++
        await Promise.resolve()
      },
      () => undefined,
    )
    loop.start()
    let hasSlept = false
    void sleep(ms).then(() => (hasSlept = true))
    await vi.advanceTimersByTimeAsync(2 ** 31 - 2)
    expect({ runs, hasSlept }).toEqual({ runs: 0, hasSlept: false })
    await vi.advanceTimersByTimeAsync(1)
    expect({ runs, hasSlept }).toEqual({ runs: 1, hasSlept: true })
    await loop.stop()
  },
)
