import type { IdGenerator } from '@opentelemetry/sdk-trace'

/** Makes ids for spans, except for those whose id others know already. */
export class SpanIds implements IdGenerator {
  readonly #random: IdGenerator
  #next: string | null = null

  constructor(random: IdGenerator) {
    this.#random = random
  }

  /** The id of the span that is made next, before anything else can make one. */
  giveNext(spanId: string): void {
    this.#next = spanId
  }

  generateTraceId(): string {
    return this.#random.generateTraceId()
  }

  generateSpanId(): string {
    const given = this.#next
    this.#next = null
    return given ?? this.#random.generateSpanId()
  }
}
