import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { nowMs } from '../clock.ts'
import { html } from '../html.ts'
import { theme } from '../theme.ts'
import { byClock, count } from '../words.ts'

export interface Line {
  name: string
  /** The custom property of its colour. */
  colour: string
  values: (number | null)[]
  isDashed?: boolean
}

export interface ChartProps {
  /** What it shows, in a sentence: for those who do not see it. */
  about: string
  /** Milliseconds since 1970, one for each value. */
  times: number[]
  lines: Line[]
  /** A value in words; by default the number. */
  say?: (value: number) => string
  /** The values are milliseconds, so the axis counts in seconds, minutes and hours. */
  isDuration?: boolean
  /** Called with the range that the reader marked. */
  choose?: (fromMs: number, toMs: number) => void
}

const HEIGHT_PX = 190
const ROWS_SHOWN = 12

/** Lines over time. The library is loaded with the first chart; a gap in the values stays a gap. */
export function Chart(props: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const chosen = theme.value
  const shape = props.lines.map(({ name }) => name).join()
  useEffect(() => {
    let isGone = false
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const draw = async () => {
      const { default: UPlot } = await import('uplot')
      if (isGone || place.current === null) return
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(latest, place.current), dataOf(latest.current), place.current)
    }
    void draw()
    const redraw = () => void draw()
    scheme.addEventListener('change', redraw)
    const resizes = new ResizeObserver(() => {
      const width = place.current?.clientWidth ?? 0
      if (width > 0) plot.current?.setSize({ width, height: HEIGHT_PX })
    })
    if (place.current !== null) resizes.observe(place.current)
    return () => {
      isGone = true
      scheme.removeEventListener('change', redraw)
      resizes.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [chosen, shape])
  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines])
  return html`<figure class="chart">
    <div ref=${place} role="img" aria-label=${props.about}></div>
    <details class="chart-table"><summary>As a table</summary><${Table} ...${props} /></details>
  </figure>`
}

const dataOf = ({ times, lines }: ChartProps): uPlot.AlignedData => [
  times.map((ms) => ms / 1000),
  ...lines.map(({ values }) => values),
]

function optionsOf(latest: { current: ChartProps }, place: HTMLElement): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const probe = document.createElement('i')
  place.append(probe)
  // Colours are written for both themes at once; what the browser makes of them now can be read from an element.
  const colourOf = (name: string): string => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const axis = { stroke: colourOf('--muted'), grid: { stroke: colourOf('--line'), width: 1 }, ticks: { show: false } }
  const font = `11px ${style.fontFamily}`
  const { say = count, lines, isDuration = false } = latest.current
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 20, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] } },
    axes: [
      { ...axis, font, ...timeAxis },
      {
        ...axis,
        font,
        size: 68,
        ...(isDuration ? { incrs: DURATIONS_MS } : {}),
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : say(tick))),
      },
    ],
    series: [
      { label: 'at', value: (_plot, at) => (at === null ? '' : byClock(at * 1000, nowMs())) },
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.name,
          stroke: colourOf(line.colour),
          width: 1.75,
          points: { size: 4 },
          value: (_plot, value) => (value === null ? '–' : say(value)),
          ...(line.isDashed ? { dash: [4, 4] } : {}),
        }),
      ),
    ],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
    hooks: {
      // The legend has values only while something is pointed at.
      setLegend: [(plot) => plot.root.classList.toggle('pointed', plot.legend.idx != null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width > 4)
            latest.current.choose?.(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + width, 'x') * 1000)
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
    },
  }
  probe.remove()
  return options
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** Steps of an axis of durations, each of which is a round one in its unit. */
const DURATIONS_MS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((min) => min * MINUTE),
  ...[1, 2, 6, 12, 24, 48, 168].map((h) => h * HOUR),
]
const HOUR_S = 3_600
const timeAxis: Partial<uPlot.Axis> = {
  space: 70,
  size: 26,
  values: (_plot, ticks, _axis, _space, everyS) =>
    ticks.map((tick) => {
      const at = new Date(tick * 1000)
      const isDay = everyS >= 24 * HOUR_S || (at.getHours() === 0 && at.getMinutes() === 0)
      return (isDay ? dayFormat : hourFormat).format(at)
    }),
}
const hourFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** The same as numbers: the latest ones. */
function Table({ about, times, lines, say = count }: ChartProps): VNode {
  const from = Math.max(0, times.length - ROWS_SHOWN)
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label=${about}><table class="list">
    <thead><tr><th scope="col">Time</th>${lines.map(
      ({ name }) => html`<th key=${name} scope="col"
      class="num">${name}</th>`,
    )}</tr></thead>
    <tbody>${times.slice(from).map(
      (ms, n) => html`<tr key=${ms}><td>${byClock(ms, nowMs())}</td>
      ${lines.map(
        ({ name, values }) => html`<td key=${name}
        class="num">${sayOrGap(values[from + n], say)}</td>`,
      )}</tr>`,
    )}</tbody>
  </table></div>`
}

const sayOrGap = (value: number | null | undefined, say: (value: number) => string): string =>
  value === null || value === undefined ? '–' : say(value)
