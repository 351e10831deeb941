import { context, trace } from '@opentelemetry/api'
import { expect, test, vi } from 'vitest'
import { silentLog } from '../../e2e/support/bus.ts'
import { openTracing } from './open-tracing.ts'
import { readTraceparent, sentOn, traceIdMember, UNRECORDED } from './traceparent.ts'
import { SpanKind } from './tracing.ts'

const open = (env: Record<string, string>) => openTracing({ service: 'api', replicaId: 'r', log: silentLog, env })

test.each<[string, Record<string, string>]>([
  ['nothing asks for it', {}],
  ['only empty settings ask for it', { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_TRACES_EXPORTER: '' }],
  ['it is switched off', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }],
  ['no exporter is wanted', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' }],
  [
    'the protocol is not known',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  ],
])('no spans are recorded where %s', async (_, env) => {
  expect(await open(env)).toBeNull()
})

test.each<[string, Record<string, string>, string]>([
  ['by default', {}, '01'],
  [
    'with empty settings',
    { OTEL_TRACES_SAMPLER: '', OTEL_TRACES_SAMPLER_ARG: '', OTEL_EXPORTER_OTLP_PROTOCOL: '' },
    '01',
  ],
  ['with a sampler that takes none', { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, '00'],
  ['with a share of none', { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, '00'],
])('%s the flag of a new trace says whether it is recorded', async (_, env, flags) => {
  const tracing = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...env })
  if (tracing === null) expect.unreachable()
  const span = tracing.start('x', { kind: SpanKind.INTERNAL, parent: null })
  expect(span.traceparent).toMatch(new RegExp(`^00-[0-9a-f]{32}-[0-9a-f]{16}-${flags}$`))
  span.end(null)
  // Nobody listens there: the service stops all the same.
  await tracing.stop()
})

test.each([
  '',
  'x',
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  '01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01',
])('"%s" is no trace context', (text) => {
  expect(readTraceparent(text)).toBeNull()
  expect(traceIdMember(text)).toEqual({})
})

test('under a trace that is not recorded nothing is, and the decision is passed on', async () => {
  const tracing = await open({ OTEL_TRACES_EXPORTER: 'console' })
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
  const span = tracing?.start('send x', { kind: SpanKind.PRODUCER, parent })
  expect(readTraceparent(span?.traceparent)).toMatchObject({ traceId: readTraceparent(parent)?.traceId, traceFlags: 0 })
  const knownAs = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-00'
  expect(tracing?.start('step x', { kind: SpanKind.INTERNAL, parent, knownAs }).traceparent).toBe(knownAs)
  expect(span?.run(() => trace.getSpanContext(context.active())?.traceId)).toBe(readTraceparent(parent)?.traceId)
  // Unless the sampler does not ask what became of the parent.
  const all = await open({ OTEL_TRACES_EXPORTER: 'console', OTEL_TRACES_SAMPLER: 'always_on' })
  const recorded = all?.start('send x', { kind: SpanKind.PRODUCER, parent })
  expect(readTraceparent(recorded?.traceparent)).toMatchObject({ traceFlags: 1 })
})

const CALLER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
const KIND = { kind: SpanKind.INTERNAL }

test('of the traces that begin here a share is recorded, and what follows from the others is not, nor told of', async () => {
  const tenth = await open({
    OTEL_TRACES_EXPORTER: 'console',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  })
  if (tenth === null) expect.unreachable()
  const drawn = vi.spyOn(Math, 'random')
  for (const parent of [null, 'no trace context']) {
    drawn.mockReturnValue(0.099)
    expect(readTraceparent(tenth.start('x', { ...KIND, parent }).traceparent)).toMatchObject({ traceFlags: 1 })
    drawn.mockReturnValue(0.1)
    expect(tenth.start('x', { ...KIND, parent }).traceparent).toBe(UNRECORDED)
  }
  expect(tenth.start('x', { ...KIND, parent: UNRECORDED }).traceparent).toBe(UNRECORDED)
  expect(tenth.parentFrom(null)).toBe(UNRECORDED)
  expect(tenth.parentFrom(`${CALLER}-01`)).toBe(`${CALLER}-01`)
  expect(sentOn(UNRECORDED)).toBeNull()
  expect(sentOn(`${CALLER}-00`)).toBe(`${CALLER}-00`)
  expect(traceIdMember(UNRECORDED)).toEqual({})
  // Libraries of a handler ask the context whether their own spans are wanted.
  const span = tenth.start('x', { ...KIND, parent: UNRECORDED })
  expect(span.run(() => trace.getSpanContext(context.active())?.traceFlags)).toBe(0)
  drawn.mockRestore()
})

test.each([
  ['01', '0', 1],
  ['00', '1', 0],
])('a trace that one with the flag %s led to is recorded like that one', async (flags, ratio, recorded) => {
  const tracing = await open({
    OTEL_TRACES_EXPORTER: 'console',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  })
  const span = tracing?.start('x', { ...KIND, parent: null, links: [`${CALLER}-${flags}`] })
  expect(readTraceparent(span?.traceparent)).toMatchObject({ traceFlags: recorded })
})

test('where every trace is recorded, what has none begins one', async () => {
  const all = await open({ OTEL_TRACES_EXPORTER: 'console' })
  expect(all?.parentFrom(null)).toBeNull()
})
