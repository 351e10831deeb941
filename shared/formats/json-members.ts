import { endOfString, pointerAt } from './json-numbers.ts'

/**
 * The JSON pointer of the first member that appears twice in one object: JSON.parse silently takes the last one.
 * @param json text that JSON.parse accepts
 * @returns null when no name repeats
 */
export function findDuplicateMember(json: string): string | null {
  /** Names so far in each open container; null for an array. */
  const open: (Set<string> | null)[] = []
  let isName = false
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') {
      const end = endOfString(json, at)
      if (isName) {
        const name = JSON.parse(json.slice(at, end)) as string
        const names = open.at(-1)
        // After its colon the pointer is this member's.
        if (names?.has(name)) return pointerAt(json, end)
        names?.add(name)
      }
      isName = false
      at = end - 1
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : null)
      isName = character === '{'
    } else if (character === '}' || character === ']') {
      open.pop()
      isName = false
    } else if (character === ',') isName = open.at(-1) !== null
  }
  return null
}
