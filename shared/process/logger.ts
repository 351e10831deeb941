import { createRequire } from 'node:module'
import { type Logger, pino } from 'pino'
import type { PinoPretty } from 'pino-pretty'

export type { Logger } from 'pino'

export interface LoggerOptions {
  service: string
  level: string
  /** Undefined: pretty on a terminal, JSON otherwise. */
  format: 'json' | 'pretty' | undefined
  /** What stands in each line: a child logger would keep the level that it was made with. */
  members?: Record<string, string>
}

/** The format that `undefined` stands for; a thread cannot see for itself that it writes to a terminal. */
export const chooseFormat = (format: LoggerOptions['format']): 'json' | 'pretty' =>
  format ?? (process.stdout.isTTY ? 'pretty' : 'json')

/** Members first, then a constant message, one line a state change: `log.info({ job_id, attempt }, 'attempt started')`. */
export function createLogger(options: LoggerOptions): Logger {
  const format = chooseFormat(options.format)
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid, ...options.members },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  }
  if (format === 'json') return pino(settings, pino.destination({ dest: 1, sync: false }))
  // Loaded only where somebody reads along: it would take a twentieth of every process's start.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty
  const stream = pretty({
    colorize: process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,service',
    messageFormat: '{service} {msg}',
    singleLine: true,
    sync: true,
  })
  return pino(settings, stream)
}
