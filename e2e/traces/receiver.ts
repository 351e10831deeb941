import { startHttpTarget } from '../support/http-target.ts'

/** A span as OTLP has it in JSON, as far as tests look at it. */
interface WireSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: { stringValue?: string; intValue?: string | number } }[]
  links?: { traceId: string; spanId: string }[]
  status?: { code?: number }
}

export interface SeenSpan extends Pick<WireSpan, 'traceId' | 'spanId' | 'name'> {
  service: string
  parentId: string
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  attributes: Record<string, string | number>
  links: { traceId: string; spanId: string }[]
  isError: boolean
  ms: number
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'] as const
const ERROR = 2
const NS_PER_MS = 1_000_000n

/** With it job services send webhooks, whose spans are looked at. */
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(24, 1).toString('base64')}`

/** A receiver of traces over OTLP, to which everything that is started from now on sends. */
export async function startReceiver(): Promise<AsyncDisposable & { spans(): SeenSpan[] }> {
  const target = await startHttpTarget((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  )
  // Not by vi.stubEnv, which ends with the test.
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${target.host}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
  Object.assign(process.env, settings)
  return {
    spans: () => target.seen.flatMap(({ body }) => spansIn(body)),
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(settings)) Reflect.deleteProperty(process.env, name)
      await target[Symbol.asyncDispose]()
    },
  }
}

type Attributes = WireSpan['attributes']

function spansIn(body: string): SeenSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { resource: { attributes: Attributes }; scopeSpans: { spans: WireSpan[] }[] }[]
  }
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(membersOf(resource.attributes)['service.name'])
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => seenSpan(service, span)))
  })
}

const seenSpan = (service: string, span: WireSpan): SeenSpan => ({
  service,
  traceId: span.traceId,
  spanId: span.spanId,
  parentId: span.parentSpanId ?? '',
  name: span.name,
  kind: KINDS[span.kind] || 'internal',
  attributes: membersOf(span.attributes),
  links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
  isError: span.status?.code === ERROR,
  ms: Number((BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / NS_PER_MS),
})

const membersOf = (attributes: Attributes): Record<string, string | number> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]))
