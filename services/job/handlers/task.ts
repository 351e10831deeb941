import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import type { JobHandler } from './handler.ts'

export interface TaskOptions {
  timeoutMs: number
  /** In [0, 1). */
  random(): number
}

/** Shortest random time of a task. */
const MIN_MS = 100
const MAX_MS = 1_000

/** Characters of the data's JSON that are logged. */
const SHOWN_LENGTH = 500

const payloadSchema = z
  .strictObject({ data: z.unknown().optional(), ms: z.int().min(0).max(60_000).optional() })
  .nullable()

/** Logs the task that it found, works for `ms` or a random time, and returns the data. */
export const taskHandler = (options: TaskOptions): JobHandler => ({
  type: 'task',
  policy: { ...DEFAULT_POLICY, timeout_ms: options.timeoutMs },
  schema: payloadSchema,
  async run(payload, { jobId, createdAt, log, signal }) {
    const { data = null, ms } = (payload as z.infer<typeof payloadSchema>) ?? {}
    // For people who watch the log: the line itself says everything.
    log.info(`found task ${jobId} created at ${createdAt} with data ${shorten(JSON.stringify(data))}`)
    const workMs = ms ?? MIN_MS + Math.floor(options.random() * (MAX_MS - MIN_MS + 1))
    await pause(workMs, undefined, { signal })
    return { data }
  },
})

const shorten = (text: string): string => (text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text)
