/** Length from which the beginning of a word is taken for the word. */
const BEGINNING_LENGTH = 3

/**
 * The word that was probably meant: one that begins with what was written, or differs from it in at most every third
 * letter. Only letters and digits count, in upper or lower case: `timeoutMs` and `timeout_ms` are the same.
 * @returns null where none is near
 */
export function closestWord(written: string, words: readonly string[]): string | null {
  const own = lettersOf(written)
  let closest: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const word of words) {
    const other = lettersOf(word)
    const isBeginning = own.length >= BEGINNING_LENGTH && other.startsWith(own)
    const distance = isBeginning ? Math.min(1, other.length - own.length) : editDistance(own, other)
    if (distance >= least || distance > Math.max(own.length, other.length) / 3) continue
    closest = word
    least = distance
  }
  return closest
}

const lettersOf = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/** Number of letters to insert, remove, replace or swap with their neighbour. */
function editDistance(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, n) => n)
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const replaced = (last[j - 1] ?? 0) + (isSame ? 0 : 1)
      let distance = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced)
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      if (isSwapped) distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1)
      row.push(distance)
    }
    beforeLast = last
    last = row
  }
  return last[other.length] ?? 0
}
