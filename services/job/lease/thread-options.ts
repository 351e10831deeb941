import type { LoggerOptions } from '#shared/process/logger.ts'

/** Lease thread to main thread. */
export type LeaseThreadMessage =
  | { kind: 'ready' }
  /** Another worker seems to have died: so many of its jobs may come here. */
  | { kind: 'missing'; jobs: number }
  /** Whether there are other workers. */
  | { kind: 'company'; isThere: boolean }

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

/** Main thread to lease thread. */
export type LeaseMessage = { kind: 'stop' } | { kind: 'log-level'; level: string }
