/**
 * The one of `names` that somebody who wrote `given` probably meant: its letters are the same, or nearly, or one of the
 * two begins with the other. null where none is near.
 */
export function nearestName(given: string, names: readonly string[]): string | null {
  const wanted = lettersOf(given)
  const near = names
    .map((name) => ({ name, letters: lettersOf(name) }))
    .map(({ name, letters }) => ({ name, letters, distance: distanceBetween(wanted, letters) }))
    .filter(({ letters, distance }) => distance <= allowedFor(wanted, letters) || isBeginning(wanted, letters))
    .toSorted((a, b) => a.distance - b.distance)
  return near[0]?.name ?? null
}

/** `timeoutMs` and `timeout_ms` are the same name, written in two ways. */
const lettersOf = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/** One mistake for each three letters. */
const allowedFor = (a: string, b: string): number => Math.floor(Math.min(a.length, b.length) / 3)

/** Shorter beginnings have nothing to say. */
const BEGINNING_MIN = 4

const isBeginning = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= BEGINNING_MIN && (a.startsWith(b) || b.startsWith(a))

/** The number of letters to add, leave out or replace (Levenshtein). */
function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
