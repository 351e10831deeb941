import type { LoggerOptions } from '#shared/process/logger.ts'

/** Options of the lease thread. Plain data and shared memory: they cross threads. */
export interface LeaseThreadOptions {
  natsUrl: string
  natsUser: string | undefined
  natsPassword: string | undefined
  workerId: string
  renewEveryMs: number
  logger: LoggerOptions
  /** Number of jobs that may be held at once. */
  slots: number
  /** Memory of the `HeldTable`. */
  held: SharedArrayBuffer
  /** One Int32: the main loop's beat. */
  beat: SharedArrayBuffer
}
