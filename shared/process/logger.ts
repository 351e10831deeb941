import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export interface LoggerOptions {
  service: string
  level: string
  /** Undefined: pretty on a terminal, JSON otherwise. */
  format: 'json' | 'pretty' | undefined
}

/** The format that `undefined` stands for; a thread cannot see for itself that it writes to a terminal. */
export const chooseFormat = (format: LoggerOptions['format']): 'json' | 'pretty' =>
  format ?? (process.stdout.isTTY ? 'pretty' : 'json')

/** Log object first, constant message, one line per state change: `log.info({ job_id, attempt }, 'job finished')`. */
export function createLogger(options: LoggerOptions): Logger {
  const format = chooseFormat(options.format)
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  }
  if (format === 'json') return pino(settings, pino.destination({ dest: 1, sync: false }))
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
