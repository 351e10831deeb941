import type { Series, SeriesPoint } from '../../../shared/contracts/http/series.ts'

type Counted = 'accepted' | 'started' | 'completed' | 'failed' | 'cancelled' | 'retried'

/** The sum over all points whose count is known. */
export const sumOf = (points: readonly SeriesPoint[], name: Counted): number =>
  points.reduce((sum, point) => sum + (point[name] ?? 0), 0)

export interface TypeSum {
  type: string
  accepted: number
  completed: number
  failed: number
  /** Of those that ended well or badly: 0 to 1. */
  failedShare: number
  /** The longest 95th percentile of a span, milliseconds: percentiles cannot be added. */
  slowestMs: number | null
  waitMs: number | null
  spark: (number | null)[]
  failedSpark: (number | null)[]
}

/** What each type did in the range, those that failed most first. */
export function sumsByType(byType: Series['by_type']): TypeSum[] {
  const sums = Object.entries(byType ?? {}).map(([type, points]): TypeSum => {
    const [completed, failed] = [sumOf(points, 'completed'), sumOf(points, 'failed')]
    return {
      type,
      accepted: sumOf(points, 'accepted'),
      completed,
      failed,
      failedShare: completed + failed === 0 ? 0 : failed / (completed + failed),
      slowestMs: most(points.map(({ run }) => run?.p95 ?? null)),
      waitMs: most(points.map(({ wait }) => wait?.p95 ?? null)),
      spark: points.map(({ accepted }) => accepted),
      failedSpark: points.map(({ failed: count }) => count),
    }
  })
  return sums.toSorted((a, b) => b.failed - a.failed || b.accepted - a.accepted)
}

export function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** The latest value that is known. */
export const latest = (values: readonly (number | null)[]): number | null =>
  values.findLast((value) => value !== null) ?? null
