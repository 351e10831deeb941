import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Series, SeriesPoint } from '../../../shared/contracts/http/series.ts'
import { html } from '../../html.ts'
import { Chart, type Line } from '../../parts/chart.ts'
import { card } from '../../parts/head.ts'
import { count, duration } from '../../words.ts'
import { latest, most, sumOf } from './sum.ts'

type Times = 'wait' | 'run'

const SPANS = { '10s': '10 s', '1m': 'minute', '1h': 'hour' }

interface ChartsProps {
  series: Series
  choose: (fromMs: number, toMs: number) => void
}

/** What came and went, what waits, and how long it took, over one range of time. */
export function Charts({ series, choose }: ChartsProps): VNode {
  const { points } = series
  const shapes = useMemo(() => {
    const times = points.map(({ t }) => Date.parse(t))
    const of = (name: string, colour: string, read: (point: SeriesPoint) => number | null, isDashed = false): Line => ({
      name,
      colour,
      isDashed,
      values: points.map(read),
    })
    const percentiles = (what: Times): Line[] => [
      of('p50', '--ok', (point) => point[what]?.p50 ?? null),
      of('p95', '--accent', (point) => point[what]?.p95 ?? null),
      of('p99', '--bad', (point) => point[what]?.p99 ?? null, true),
    ]
    return {
      times,
      flow: [
        of('accepted', '--accent', ({ accepted }) => accepted),
        of('finished', '--ok', ({ completed }) => completed),
        of('failed', '--bad', ({ failed }) => failed),
      ],
      backlog: [of('waiting', '--warn', ({ waiting }) => waiting), of('running', '--accent', ({ running }) => running)],
      wait: percentiles('wait'),
      run: percentiles('run'),
    }
  }, [points])
  const { times } = shapes
  const sum = (name: 'accepted' | 'completed' | 'failed') => count(sumOf(points, name))
  const each = `Jobs each ${SPANS[series.step]}`
  const flow = `${each}. In all ${sum('accepted')} accepted, ${sum('completed')} finished, ${sum('failed')} failed.`
  const waiting = points.map((point) => point.waiting)
  const [last, top] = [latest(waiting) ?? 0, most(waiting) ?? 0]
  const backlog = `Waiting and running jobs: ${count(last)} wait at the end, ${count(top)} at the most.`
  return html`<div class="two charts">
    ${card(
      `Jobs each ${SPANS[series.step]}`,
      html`<${Chart} about=${flow} times=${times} lines=${shapes.flow}
      choose=${choose} />`,
    )}
    ${card('Backlog', html`<${Chart} about=${backlog} times=${times} lines=${shapes.backlog} choose=${choose} />`)}
    ${timesCard('Time in the queue', 'wait', shapes.wait, times, choose)}
    ${timesCard('Time to run', 'run', shapes.run, times, choose)}
  </div>`
}

function timesCard(
  title: string,
  what: Times,
  lines: Line[],
  times: number[],
  choose: (fromMs: number, toMs: number) => void,
): VNode {
  const p95 = most(lines[1]?.values ?? [])
  const worst = p95 === null ? 'nothing was measured' : `95 of 100 took at most ${duration(p95)} at the worst`
  const about = `${title}: ${worst}.`
  return card(
    title,
    html`<${Chart} key=${what} about=${about} times=${times} lines=${lines} say=${duration} isDuration
      choose=${choose} />`,
  )
}
