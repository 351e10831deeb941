import { ATTRIBUTES } from '#shared/trace/attributes.ts'
import { SpanKind, type Tracing } from '#shared/trace/tracing.ts'
import type { RequestRecord, UndoTask } from '../decide/record.ts'
import { type SpanPart, traceOf } from '../decide/trace-of.ts'

/** Records the spans of the round that has ended: of the request, of its steps, and of what was undone. */
export function recordRequestSpans(tracing: Tracing, record: RequestRecord): void {
  const { trace, round, finished_at: finishedAt } = record
  if (trace === undefined || finishedAt === null) return
  const startedAt = startOfRound(record)
  recordPart(tracing, record, {
    part: 'request',
    name: ['request', record.definition?.name ?? record.name ?? ''].join(' ').trim(),
    parent: trace.parent,
    links: trace.before === undefined ? [] : [trace.before],
    startedAt,
    endedAt: finishedAt,
    attributes: { [ATTRIBUTES.round]: round, [ATTRIBUTES.outcome]: record.status },
    error: record.status === 'failed' ? errorOf(record) : null,
  })
  const parent = traceOf(record, 'request')
  for (const each of [...stepsOf(record, startedAt), ...undoneOf(record)])
    recordPart(tracing, record, { parent, ...each })
}

interface Part {
  part: SpanPart
  name: string
  startedAt: string
  endedAt: string
  attributes?: Record<string, string | number>
  error: string | null
}

function recordPart(
  tracing: Tracing,
  record: RequestRecord,
  {
    part,
    name,
    parent,
    links = [],
    startedAt,
    endedAt,
    attributes,
    error,
  }: Part & { parent: string | null; links?: string[] },
): void {
  const atMs = Date.parse(startedAt)
  tracing.record(name, {
    kind: SpanKind.INTERNAL,
    knownAs: traceOf(record, part),
    parent,
    links,
    atMs,
    // The end of a job has its worker's time.
    endMs: Math.max(atMs, Date.parse(endedAt)),
    attributes: {
      [ATTRIBUTES.requestId]: record.request_id,
      ...(record.tenant === null ? {} : { [ATTRIBUTES.tenant]: record.tenant }),
      ...attributes,
    },
    error,
  })
}

const errorOf = ({ error }: Pick<RequestRecord, 'error'>): string => error?.code ?? error?.name ?? 'failed'

const timeOf = ({ events, round }: RequestRecord, wanted: 'request:retried' | 'request:undoing'): string | undefined =>
  events.findLast((event) => event.event === wanted && event.round === round)?.at

const startOfRound = (record: RequestRecord): string => timeOf(record, 'request:retried') ?? record.created_at

/** The steps that ended in this round. */
const stepsOf = (record: RequestRecord, roundStartedAt: string): Part[] =>
  record.steps.flatMap(({ status, started_at: startedAt, ended_at: endedAt, tasks }, n) => {
    if (startedAt === null || endedAt === null || endedAt < roundStartedAt) return []
    const failed = tasks.find((task) => task.status === 'failure')
    return [
      {
        part: `step-${n}` as const,
        name: `step ${record.plan[n]?.name ?? n}`,
        startedAt: startedAt < roundStartedAt ? roundStartedAt : startedAt,
        endedAt,
        attributes: { [ATTRIBUTES.outcome]: status },
        error: status === 'failed' ? errorOf(failed ?? record) : null,
      },
    ]
  })

/** The steps of which something was undone: one task after the other, so that one begins where the other ends. */
function undoneOf(record: RequestRecord): Part[] {
  const parts = new Map<number, Part>()
  let startedAt = timeOf(record, 'request:undoing') ?? record.updated_at
  for (const task of record.undo ?? []) {
    const { step, ended_at: endedAt } = task
    if (endedAt === null) continue
    const { startedAt: first = startedAt, error = null } = parts.get(step) ?? {}
    parts.set(step, {
      part: `undo-${step}`,
      name: `undo ${record.plan[step]?.name ?? step}`,
      startedAt: first,
      endedAt,
      error: error ?? undoError(task),
    })
    startedAt = endedAt
  }
  return [...parts.values()]
}

const undoError = (task: UndoTask): string | null => (task.status === 'completed' ? null : errorOf(task))
