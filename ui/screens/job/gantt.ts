import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { JobView } from '../../../client/contracts.ts'
import { now } from '../../clock.ts'
import { html } from '../../html.ts'
import { beforeMessage } from '../../parts/error-line.ts'
import { card } from '../../parts/head.ts'
import { segments } from '../../parts/segments.ts'
import { status, toneOf } from '../../parts/status.ts'
import { to } from '../../route.ts'
import { byClock, duration } from '../../words.ts'
import {
  compactScale,
  type Line,
  linesOf,
  needsCompact,
  type RoundStarts,
  type Scale,
  type Span,
  trueScale,
} from './spans.ts'

const LINES_SHOWN = 20
const TICKS = [0, 0.25, 0.5, 0.75]
const KINDS = {
  delay: 'waits for its time',
  wait: 'waits for a worker',
  backoff: 'pauses before the next attempt',
  attempt: 'runs',
}

/** Waits, attempts and pauses of a job on one line of time. */
export function Gantt({ job, starts }: { job: JobView; starts: RoundStarts }): VNode {
  const isMoving = job.finished_at === null
  const lines = linesOf(job, isMoving ? now.value : Date.parse(job.updated_at), starts)
  const [isAll, setAll] = useState(false)
  const [chosen, setChosen] = useState<'true' | 'compact' | null>(null)
  if (lines.length === 0) return html`<div></div>`
  const look = chosen ?? (needsCompact(lines) ? 'compact' : 'true')
  const scale = look === 'true' ? trueScale(lines) : compactScale(lines)
  const shown = isAll ? lines : lines.slice(-LINES_SHOWN)
  const scales = segments(
    'Scale',
    [
      ['true', 'True to time'],
      ['compact', 'Short runs visible'],
    ],
    look,
    setChosen,
  )
  return card(
    'Attempts',
    html`<div class="body gantt">
    ${look === 'true' && html`<${Axis} scale=${scale} />`}
    <ol aria-label="Attempts over time">${shown.map(
      (line, n) => html`<${GanttLine} key=${n} line=${line}
      scale=${scale} />`,
    )}</ol>
    ${legend()}
    ${
      lines.length > shown.length &&
      html`<button class="link"
      onClick=${() => setAll(true)}>Show all ${lines.length}</button>`
    }
  </div>`,
    html`<span class="muted">${duration(scale.endMs - scale.startMs)} in all</span>${scales}`,
  )
}

const LEGEND = [
  ['wait', 'waits'],
  ['backoff', 'pauses'],
  ['run', 'runs'],
]

/** What the looks of the bars mean. */
const legend = (): VNode =>
  html`<div class="gantt-legend" aria-hidden="true">${LEGEND.map(
    ([look, word]) => html`<span key=${word}><i class="gantt-bar ${look}"></i> ${word}</span>`,
  )}</div>`

function Axis({ scale }: { scale: Scale }): VNode {
  return html`<div class="gantt-axis" aria-hidden="true"><span></span><div>${TICKS.map(
    (part) => html`<span key=${part} style=${{ left: `${part * 100}%` }}>
    ${part === 0 ? byClock(scale.startMs, now.peek()) : `+${duration((scale.endMs - scale.startMs) * part)}`}</span>`,
  )}</div><span></span></div>`
}

function GanttLine({ line, scale }: { line: Line; scale: Scale }): VNode {
  const { attempt, spans } = line
  const run = spans.at(-1)
  return html`<li class="gantt-line">
    <span class="gantt-name" title=${attempt === null ? '' : `Attempt ${line.name}`}>${line.name}</span>
    <div class="gantt-track">${spans.map((span) => html`<${Bar} key=${span.kind} span=${span} scale=${scale} />`)}</div>
    <span class="gantt-took">${run === undefined ? '' : duration(run.endMs - run.startMs)}</span>
    ${
      attempt !== null &&
      html`<div class="gantt-words">${status(attempt.outcome ?? 'running')}
      <a class="second clip" href=${to(`/workers/${encodeURIComponent(attempt.worker_id)}`)}>${attempt.worker_id}</a>
      ${
        attempt.error !== null &&
        html`<span class="second clip grow"
        title=${attempt.error.message}>${beforeMessage(attempt.error)}<bdi>${attempt.error.message}</bdi></span>`
      }</div>`
    }
  </li>`
}

function Bar({ span, scale }: { span: Span; scale: Scale }): VNode {
  const from = scale.at(span.startMs)
  const until = scale.at(span.endMs)
  const tone = span.kind === 'attempt' ? toneOf(span.attempt?.outcome ?? 'running') : span.kind
  return html`<i class="gantt-bar ${tone}" title=${`${KINDS[span.kind]} for ${duration(span.endMs - span.startMs)}`}
    style=${{ left: `${from * 100}%`, width: `max(3px, ${(until - from) * 100}%)` }}></i>`
}
