import { context, DiagLogLevel, diag } from '@opentelemetry/api'
import type * as Sdk from '@opentelemetry/sdk-trace'
import { environment } from '#shared/process/config.ts'
import type { Logger } from '#shared/process/logger.ts'
import { VERSION } from '#shared/process/version.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { ExportProblems } from './export-problems.ts'
import { SpanIds } from './span-ids.ts'
import { type Sampling, Tracing } from './tracing.ts'

/** How long the last spans may take to be sent. */
const SHUT_DOWN_MS = 2 * SECOND

type Env = Record<string, string | undefined>

export interface OpenTracingOptions {
  /** As OpenTelemetry names it, without `hasty-`. */
  service: string
  replicaId: string
  log: Logger
  env?: Env
}

/**
 * Begins to record spans where the settings of OpenTelemetry (`OTEL_*`) ask for it. Its libraries are loaded only then.
 * @returns null where they do not: nothing is recorded, and nothing is made
 */
export async function openTracing({
  service,
  replicaId,
  log,
  env: given = environment(),
}: OpenTracingOptions): Promise<Tracing | null> {
  // An empty setting counts as unset, as OpenTelemetry wants it: compose passes on empty ones.
  const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  if (!isAskedFor(env)) return null
  const exporter = await openExporter(env, log)
  if (exporter === null) return null
  const [sdk, { resourceFromAttributes }, { AsyncLocalStorageContextManager }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'),
  ])
  // For handlers: what they do by themselves belongs to the attempt. A second service of a process shares it.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const ids = new SpanIds(new sdk.RandomIdGenerator())
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      'service.name': env['OTEL_SERVICE_NAME'] ?? `hasty-${service}`,
      'service.version': VERSION,
      'service.instance.id': replicaId,
      ...listOf(env['OTEL_RESOURCE_ATTRIBUTES']),
    }),
    idGenerator: ids,
    sampler: samplerOf(sdk, env),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, ...batchingOf(env) })],
  })
  diag.setLogger(new ExportProblems(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  log.info({ sampler: samplerName(env) }, 'traces are sent')
  const shutDown = async () => {
    // Whatever becomes of the last spans, the service ends as it would without them.
    await Promise.race([provider.shutdown().catch(() => undefined), sleep(SHUT_DOWN_MS)])
  }
  return new Tracing(provider.getTracer('hasty', VERSION), ids, samplingOf(env), shutDown)
}

const isAskedFor = (env: Env): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none' &&
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER'].some(
    (name) => env[name],
  )

/** The exporters read their other settings (endpoint, headers, timeout, compression) from the environment themselves. */
async function openExporter(env: Env, log: Logger): Promise<Sdk.SpanExporter | null> {
  if (env['OTEL_TRACES_EXPORTER'] === 'console')
    return new (await import('@opentelemetry/sdk-trace')).ConsoleSpanExporter()
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf'
  switch (protocol) {
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter()
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter()
    default:
      log.warn({ protocol }, 'traces are not sent: OTEL_EXPORTER_OTLP_PROTOCOL must be http/json or http/protobuf')
      return null
  }
}

function batchingOf({ OTEL_BSP_SCHEDULE_DELAY: delay }: Env): { scheduledDelayMillis?: number } {
  return delay === undefined ? {} : { scheduledDelayMillis: Number(delay) }
}

const PARENT_BASED = 'parentbased_'
const samplerName = (env: Env): string => env['OTEL_TRACES_SAMPLER'] ?? `${PARENT_BASED}always_on`

/**
 * What Tracing decides by itself, because the tracer would make ids for each span that it does not record: for samplers
 * that ask the parent, which share of the traces that begin here is recorded.
 */
function samplingOf(env: Env): Sampling {
  const name = samplerName(env)
  const isParentBased = name.startsWith(PARENT_BASED)
  const rootRatios: Record<string, number> = {
    [`${PARENT_BASED}always_off`]: 0,
    [`${PARENT_BASED}traceidratio`]: ratioIn(env),
  }
  return { isParentBased, rootRatio: rootRatios[name] ?? 1 }
}

const ratioIn = (env: Env): number => Number(env['OTEL_TRACES_SAMPLER_ARG'] ?? 1)

/** The names are those of OpenTelemetry's specification; a tracer whose sampler asks the parent gets only what is recorded. */
function samplerOf(sdk: typeof Sdk, env: Env): Sdk.Sampler {
  const name = samplerName(env)
  const samplers: Record<string, () => Sdk.Sampler> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratioIn(env)),
  }
  return samplers[name]?.() ?? new sdk.AlwaysOnSampler()
}

/** `a=1,b=2`, as OTEL_RESOURCE_ATTRIBUTES has it. */
const listOf = (text = ''): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .map((pair) => pair.split('=', 2))
      .flatMap(([name = '', value]) => (value === undefined ? [] : [[name.trim(), decodeURIComponent(value.trim())]])),
  )
