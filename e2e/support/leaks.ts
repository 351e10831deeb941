import { setTimeout as pause } from 'node:timers/promises'

/** Resources that keep a process alive, by Node's name, with a description for a test that left one. */
const KINDS: Record<string, string> = {
  ProcessWrap: 'a child process that runs',
  TCPServerWrap: 'a port that is listened on',
  TCPSocketWrap: 'a connection that is open, as one to a broker',
  Timeout: 'a timer',
}
/** Time for a resource that was just ended, and may depend on another, to disappear. */
const GONE_WITHIN_MS = 5_000
const LOOK_EVERY_MS = 50

export type OpenResources = ReadonlyMap<string, number>

/** The number of open resources of each kind in this process. */
export function openResources(): OpenResources {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in KINDS) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

const leftSince = (before: OpenResources): string[] =>
  [...openResources()].flatMap(([kind, count]) => {
    const left = count - (before.get(kind) ?? 0)
    return left > 0 ? [`${KINDS[kind]} (${left})`] : []
  })

/**
 * New resources that do not disappear by themselves. Both looks must be alike: a test has a timer for its own timeout,
 * and so has a hook. A timer or two may stay hidden behind those of the test runner.
 */
export async function leaksSince(before: OpenResources, goneWithinMs: number = GONE_WITHIN_MS): Promise<string[]> {
  const untilMs = performance.now() + goneWithinMs
  let left = leftSince(before)
  while (left.length > 0 && performance.now() < untilMs) {
    await pause(LOOK_EVERY_MS)
    left = leftSince(before)
  }
  return left
}
