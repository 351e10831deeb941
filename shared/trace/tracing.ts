import {
  type Attributes,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { ATTRIBUTES } from './attributes.ts'
import type { SpanIds } from './span-ids.ts'
import { readTraceparent, UNRECORDED, writeTraceparent } from './traceparent.ts'

export { SpanKind } from '@opentelemetry/api'

export interface SpanStart {
  kind: SpanKind
  /** The W3C trace context of the parent; null: a trace of its own, unless there is one that is linked. */
  parent: string | null
  /** Trace contexts of spans that led to this one without being its parents. */
  links?: readonly (string | null)[]
  attributes?: Attributes
  /** Milliseconds since 1970; now by default. */
  atMs?: number
  /** The trace context by which others name the span as their parent already; null or absent: a new one. */
  knownAs?: string | null
}

export interface OpenSpan {
  /** The W3C trace context that names this span as the parent. */
  readonly traceparent: string
  rename(name: string): void
  set(attributes: Attributes): void
  /** @param error its kind, such as `timeout`; null: it went well */
  end(error: string | null, atMs?: number): void
  /** Runs code whose own spans are children of this one. */
  run<T>(code: () => T): T
}

/** Which spans are recorded. */
export interface Sampling {
  /** A span is recorded only if its parent is. */
  isParentBased: boolean
  /** The share of traces that are recorded of those that begin here, 0 to 1; 1 where the sampler of the tracer decides. */
  rootRatio: number
}

/**
 * Makes spans by hand: most begin in one process and end in another, or are known only when they are over, so that no
 * instrumentation could make them.
 */
export class Tracing {
  readonly #tracer: Tracer
  readonly #ids: SpanIds
  readonly #sampling: Sampling
  readonly #shutDown: () => Promise<void>

  constructor(tracer: Tracer, ids: SpanIds, sampling: Sampling, shutDown: () => Promise<void>) {
    this.#tracer = tracer
    this.#ids = ids
    this.#sampling = sampling
    this.#shutDown = shutDown
  }

  start(name: string, { kind, parent, links = [], attributes = {}, atMs, knownAs }: SpanStart): OpenSpan {
    // Where few traces are recorded, nearly all spans are of this kind.
    if (parent === UNRECORDED) return UNRECORDED_SPAN
    const remote = readTraceparent(parent)
    if (this.#sampling.isParentBased && remote !== null && !isRecorded(remote)) return unrecorded(remote, knownAs)
    const linked = links.flatMap((link) => readTraceparent(link) ?? []).map((each) => ({ context: each }))
    if (remote === null && !this.#isRootRecorded(linked)) return UNRECORDED_SPAN
    const under = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
    const known = readTraceparent(knownAs)
    if (known !== null) this.#ids.giveNext(known.spanId)
    const time = atMs === undefined ? {} : { startTime: atMs }
    return open(this.#tracer.startSpan(name, { kind, attributes, links: linked, ...time }, under))
  }

  /**
   * The parent of what an event or a record leads to.
   * @param carried its trace context; null: none
   */
  parentFrom(carried: string | null): string | null {
    // Whoever begins a trace decides, and does not send on that it is not recorded.
    return carried === null && this.#sampling.rootRatio < 1 ? UNRECORDED : carried
  }

  /** A span that is over already. */
  record(name: string, start: SpanStart & { atMs: number; endMs: number; error?: string | null }): OpenSpan {
    const span = this.start(name, start)
    span.end(start.error ?? null, start.endMs)
    return span
  }

  /** A trace that another one led to is recorded where that one is. */
  #isRootRecorded(links: readonly Link[]): boolean {
    const { isParentBased, rootRatio } = this.#sampling
    if (!isParentBased || links.length === 0) return Math.random() < rootRatio
    return links.some((link) => isRecorded(link.context))
  }

  /** Sends what was not sent yet. */
  stop(): Promise<void> {
    return this.#shutDown()
  }
}

const isRecorded = ({ traceFlags }: SpanContext): boolean => (traceFlags & TraceFlags.SAMPLED) !== 0

const open = (span: Span): OpenSpan => ({
  traceparent: writeTraceparent(span.spanContext()),
  rename: (name) => void span.updateName(name),
  set: (attributes) => void span.setAttributes(attributes),
  end(error, atMs) {
    if (error !== null) {
      span.setAttribute(ATTRIBUTES.errorType, error)
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end(atMs)
  },
  run: (code) => context.with(trace.setSpan(ROOT_CONTEXT, span), code),
})

const nothing = (): void => undefined

/** A span of a trace that is not recorded: it only passes the decision on. */
function unrecorded(parent: SpanContext, knownAs: string | null | undefined): OpenSpan {
  const inTrace = trace.setSpanContext(ROOT_CONTEXT, parent)
  return {
    traceparent: knownAs ?? writeTraceparent(parent),
    rename: nothing,
    set: nothing,
    end: nothing,
    run: (code) => context.with(inTrace, code),
  }
}

/** A span of a trace that was begun by Hasty and is not recorded. */
export const UNRECORDED_SPAN: OpenSpan = unrecorded(readTraceparent(UNRECORDED) as SpanContext, UNRECORDED)
