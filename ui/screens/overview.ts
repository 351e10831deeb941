import type { VNode } from 'preact'
import type { Series } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { nowMs } from '../clock.ts'
import { html } from '../html.ts'
import { digest } from '../live.ts'
import { useLoad } from '../load.ts'
import { card, Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { segments } from '../parts/segments.ts'
import { sparkline } from '../parts/sparkline.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { tile } from '../parts/tile.ts'
import { place, setQuery, to } from '../route.ts'
import { byClock, count, counted, duration } from '../words.ts'
import { Charts } from './overview/charts.ts'
import { RANGES, type Range, rangeOf } from './overview/range.ts'
import { sumOf, sumsByType, type TypeSum } from './overview/sum.ts'
import { Verdict } from './overview/verdict.ts'

const GAPS_MS = { '10s': 10_000, '1m': 30_000, '1h': 60_000 }
const TYPES_GAP_MS = 30_000

const chooseRange = (name: string): void => setQuery({ range: name === '1h' ? null : name, from: null, to: null })

/** How it goes: a verdict, and what came, waited, ran and failed. */
export function Overview(): VNode {
  const { query } = place.value
  const range = rangeOf(query, nowMs())
  const { step, typeStep, name, fromMs, toMs } = range
  const key = JSON.stringify([name ?? [fromMs, toMs], step])
  const read = (own: Series['step'], byType: boolean) => (signal: AbortSignal) => {
    // A named range goes along with the time.
    const now = rangeOf(place.peek().query, nowMs())
    const times = { from: new Date(now.fromMs), to: new Date(now.toMs) }
    return hasty.overview.series({ ...times, step: own, byType, signal })
  }
  const series = useLoad(key, read(step, false), { gapMs: GAPS_MS[step] })
  const types = useLoad(`${key} types`, read(typeStep, true), { gapMs: TYPES_GAP_MS })
  const choose = (from: number, until: number) =>
    setQuery({ range: null, from: new Date(from).toISOString(), to: new Date(until).toISOString() })
  const sub =
    name === null
      ? `${byClock(fromMs, nowMs())} to ${byClock(toMs, nowMs())}`
      : 'Mark a part of a chart to look closer.'
  return html`
    <${Head} title="Overview" sub=${sub}>
      ${segments('Range', RANGES, name, chooseRange)}
    </${Head}>
    <${Verdict} />
    ${when(
      series,
      (found) => html`<${Tiles} series=${found} range=${range} /><${Charts} series=${found}
      choose=${choose} />`,
      12,
    )}
    ${when(types, ({ by_type }) => html`<${TypeTable} sums=${sumsByType(by_type)} range=${range} />`)}`
}

const since = ({ fromMs }: Range, status_: string, type = ''): string =>
  to(`/jobs?status=${status_}${type}&ended_after=${encodeURIComponent(new Date(fromMs).toISOString())}`)

function Tiles({ series: { points }, range }: { series: Series; range: Range }): VNode {
  const failed = sumOf(points, 'failed')
  const now = Object.values(digest.value?.types ?? {})
  // Nobody knows what waits while the broker is away: that is not none.
  const sumNow = (counts: (number | null)[]): string => {
    const known = counts.filter((each) => each !== null)
    return known.length === 0 ? '–' : count(known.reduce((sum, each) => sum + each, 0))
  }
  return html`<div class="tiles">
    ${tile('Accepted', count(sumOf(points, 'accepted')))}
    ${tile('Finished', count(sumOf(points, 'completed')), since(range, 'finished'))}
    ${tile('Failed', count(failed), since(range, 'failed'), failed > 0 ? 'bad' : '')}
    ${tile('Tried again', count(sumOf(points, 'retried')))}
    ${tile('Waiting now', sumNow(now.map(({ waiting }) => waiting)), to('/jobs?status=processing'))}
    ${tile('Running now', sumNow(now.map(({ running }) => running)), to('/types'))}
    ${tile('Live workers', digest.value?.workers == null ? '–' : count(digest.value.workers), to('/workers'))}
  </div>`
}

function TypeTable({ sums: all, range }: { sums: TypeSum[]; range: Range }): VNode {
  const sums = all.filter((sum) => sum.accepted + sum.completed + sum.failed > 0)
  const left = all.length - sums.length
  const columns: Column<TypeSum>[] = [
    {
      head: 'Type',
      look: 'first',
      cell: ({ type }) => html`<a class="main-link" href=${to(`/types/${type}`)}>${type}</a>`,
    },
    { head: 'State', look: 'tight bare', cell: ({ type }) => stateNow(type) },
    {
      head: 'Accepted',
      look: 'num',
      cell: ({ accepted, spark }) => html`${sparkline(spark, 'run')}<span class="n">${count(accepted)}</span>`,
    },
    {
      head: 'Failed',
      look: 'num',
      cell: ({ type, failed, failedSpark, failedShare }) =>
        failed === 0
          ? html`<span class="muted">0</span>`
          : html`${sparkline(failedSpark, 'bad')}<a class="n"
            href=${since(range, 'failed', `&type=${type}`)}>${count(failed)}</a>${' '}<span class="muted n">${(failedShare * 100).toFixed(1)} %</span>`,
    },
    { head: 'Queue p95', look: 'num', cell: ({ waitMs }) => (waitMs === null ? '' : duration(waitMs)) },
    { head: 'Run p95', look: 'num', cell: ({ slowestMs }) => (slowestMs === null ? '' : duration(slowestMs)) },
  ]
  return card(
    'Types',
    sums.length === 0
      ? empty('Nothing happened in this time', 'Choose a longer one, or send a job.', 'overview')
      : list<TypeSum>({
          caption: 'What each type did, those that failed most first',
          rows: sums,
          keyOf: ({ type }) => type,
          columns,
        }),
    html`<span class="muted">p95: of the worst span${left > 0 && `; ${counted(left, 'type')} without jobs ${left === 1 ? 'is' : 'are'} left out`}</span>`,
  )
}

function stateNow(type: string): VNode | string {
  const now = digest.value?.types[type]
  return now === undefined ? '' : status(now.state)
}
