import { z } from 'zod'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { type JobHandler, PermanentError } from './handler.ts'

const payloadSchema = z.strictObject({ numbers: z.array(z.number()).min(1).max(10_000) })

const calculation = (type: string, combine: (a: number, b: number) => number, timeoutMs: number): JobHandler => ({
  type,
  policy: { ...DEFAULT_POLICY, timeout_ms: timeoutMs },
  schema: payloadSchema,
  run(payload) {
    const { numbers } = payload as z.infer<typeof payloadSchema>
    const result = numbers.reduce(combine)
    // JSON has no Infinity: it would be stored as null.
    if (!Number.isFinite(result)) throw new PermanentError('the result is too large for a number')
    return result
  },
})

/** The handler that adds: `{numbers: [1, 2, 3]}` gives their sum. */
export const addHandler = (timeoutMs: number): JobHandler => calculation('add', (a, b) => a + b, timeoutMs)

/** The handler that multiplies: `{numbers: [1, 2, 3]}` gives their product. */
export const multiplyHandler = (timeoutMs: number): JobHandler => calculation('multiply', (a, b) => a * b, timeoutMs)
