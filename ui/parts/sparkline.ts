import type { VNode } from 'preact'
import { html } from '../html.ts'

const WIDTH = 96
const HEIGHT = 22

/** A small line of numbers beside a word that says them. */
export function sparkline(values: readonly (number | null)[], tone = ''): VNode {
  const most = Math.max(1, ...values.map((value) => value ?? 0))
  const step = WIDTH / Math.max(1, values.length - 1)
  const points = values.map(
    (value, n) => `${(n * step).toFixed(1)},${(HEIGHT - 1 - ((value ?? 0) / most) * (HEIGHT - 3)).toFixed(1)}`,
  )
  return html`<svg class="spark ${tone}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT}
    aria-hidden="true">
    <polyline points=${points.join(' ')} /></svg>`
}
