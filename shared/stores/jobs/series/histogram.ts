/**
 * Counts of durations by size. A part is a quarter of a power of two, so that a duration is known to a quarter of its
 * size, from one millisecond to 24 days in 120 parts; short ones, below 8 ms, are known exactly. Keys are part numbers.
 */
export type Histogram = Record<string, number>

const LONGEST_MS = 2 ** 31 - 1

/** The part of the histogram that has a duration. */
export function partOf(ms: number): number {
  const whole = ms >= LONGEST_MS ? LONGEST_MS : ms > 0 ? Math.floor(ms) : 0
  if (whole < 4) return whole
  const octave = 31 - Math.clz32(whole)
  return (octave - 1) * 4 + ((whole >> (octave - 2)) & 3)
}

/** The shortest duration of a part, and how many milliseconds it spans. */
function boundsOf(part: number): { from: number; width: number } {
  if (part < 4) return { from: part, width: 1 }
  const width = 2 ** ((part >> 2) - 1)
  return { from: (4 + (part & 3)) * width, width }
}

export function addHistogram(into: Histogram, added: Histogram): void {
  for (const part in added) into[part] = (into[part] ?? 0) + (added[part] ?? 0)
}

export interface Percentiles {
  p50: number
  p95: number
  p99: number
}

/** Durations that half, 95 and 99 of 100 did not exceed, in milliseconds; null where there are none. */
export function percentilesOf(histogram: Histogram): Percentiles | null {
  const parts = Object.entries(histogram).map(([part, count]) => ({ part: Number(part), count }))
  parts.sort((one, other) => one.part - other.part)
  const total = parts.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return null
  const at = (share: number): number => {
    let below = 0
    for (const { part, count } of parts) {
      const { from, width } = boundsOf(part)
      // Durations are taken for evenly spread within a part; one of a width of 1 ms has a single value.
      if (below + count >= share * total)
        return width === 1 ? from : Math.round(from + width * ((share * total - below) / count))
      below += count
    }
    return 0
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
