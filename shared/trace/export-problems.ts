import type { DiagLogger } from '@opentelemetry/api'
import type { Logger } from '#shared/process/logger.ts'
import { MINUTE } from '#shared/time/clock.ts'

/** A receiver that is away is away for each batch of spans. */
const ONCE_EVERY_MS = MINUTE

/** Tells in the log why spans do not reach their receiver: what the SDK says of that goes nowhere by itself. */
export class ExportProblems implements DiagLogger {
  readonly #log: Logger
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(log: Logger) {
    this.#log = log
  }

  error(...what: unknown[]): void {
    this.#tell(what)
  }

  warn(...what: unknown[]): void {
    this.#tell(what)
  }

  info(): void {}
  debug(): void {}
  verbose(): void {}

  #tell(what: unknown[]): void {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < ONCE_EVERY_MS) return
    this.#toldMs = nowMs
    this.#log.warn({ why: what.map(String).join(' ').slice(0, 300) }, 'traces do not reach their receiver')
  }
}
