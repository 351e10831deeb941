import type { LoggerOptions } from '#shared/process/logger.ts'

/** A message of the main thread to the lease thread. Plain data: it crosses threads. */
export interface LeaseUpdate {
  hold: { jobId: string; ackSubject: string; forMs: number }[]
  /** Ack subjects of deliveries that are settled. */
  release: string[]
}

export interface LeaseThreadOptions {
  natsUrl: string
  natsUser: string | undefined
  natsPassword: string | undefined
  workerId: string
  renewEveryMs: number
  logger: LoggerOptions
  /** One Int32: the main loop's beat. */
  beat: SharedArrayBuffer
}
