const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** Numbers as bars, the last ones where there is no room for all; nothing at all is a blank, and null a dot. */
export function sparkline(values: readonly (number | null)[], width: number): string {
  const shown = values.slice(-width)
  const highest = Math.max(1, ...shown.map((value) => value ?? 0))
  const bars = shown.map((value) => {
    if (value === null) return '·'
    if (value === 0) return ' '
    return BARS[Math.min(BARS.length - 1, Math.floor((value / highest) * BARS.length))] ?? ''
  })
  return bars.join('').padStart(width)
}
