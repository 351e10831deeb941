import type { Digest } from '../../client/index.ts'

/** The figures of the last seconds, oldest first, of each type and of all of them under ''. */
export type History = ReadonlyMap<string, { in: (number | null)[]; out: (number | null)[]; failed: (number | null)[] }>

const KEPT = 120
const FLOWS = ['in', 'out', 'failed'] as const

/** The history with one more second. */
export function withDigest(history: History, { types }: Digest): History {
  const named = Object.entries(types)
  const sum = (flow: (typeof FLOWS)[number]): number | null =>
    named.some(([, type]) => type[flow] === null) ? null : named.reduce((all, [, type]) => all + (type[flow] ?? 0), 0)
  const all = { in: sum('in'), out: sum('out'), failed: sum('failed') }
  const next = new Map<string, { in: (number | null)[]; out: (number | null)[]; failed: (number | null)[] }>()
  for (const [name, type] of [['', all] as const, ...named]) {
    const before = history.get(name) ?? { in: [], out: [], failed: [] }
    next.set(name, {
      in: [...before.in, type.in].slice(-KEPT),
      out: [...before.out, type.out].slice(-KEPT),
      failed: [...before.failed, type.failed].slice(-KEPT),
    })
  }
  return next
}
