/** @returns a function from a share to the value there, at 1 the largest one; undefined where there are no values */
export function quantilesOf(values: readonly number[]): (share: number) => number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
