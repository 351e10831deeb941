/**
 * Whether the JSON of a value is longer than a number of characters. The JSON is not created: the same object may
 * appear in it often.
 */
export function isLongerThan(value: unknown, maxLength: number): boolean {
  let left = maxLength
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const next = waiting.pop()
    left -= typeof next === 'string' ? next.length + 2 : 1
    if (typeof next === 'object' && next !== null) {
      for (const [name, member] of Object.entries(next)) {
        if (!Array.isArray(next)) left -= name.length + 3
        if (--left < 0) return true
        waiting.push(member)
      }
    }
    if (left < 0) return true
  }
  return false
}
