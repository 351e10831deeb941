import { afterEach, expect, test, vi } from 'vitest'
import { AppError } from '#shared/errors/app-error.ts'
import { DAY } from '#shared/time/clock.ts'
import type { AppContext } from './app.ts'
import { limitRate } from './limit-rate.ts'

afterEach(() => void vi.useRealTimers())

test('a clock that is set within a window asks nobody to wait for longer than the window', async () => {
  const limit = limitRate({ name: 'token', requests: 1, windowS: 60 }, () => 'caller')
  const ctx = { append: () => undefined } as unknown as AppContext
  const next = () => Promise.resolve()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * DAY })
  await limit(ctx, next)
  vi.useRealTimers()
  const refused: unknown = await limit(ctx, next).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(AppError)
  expect((refused as AppError).headers).toEqual({ 'Retry-After': '60' })
})
