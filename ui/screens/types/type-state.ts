import type { TypeView } from '../../../client/contracts.ts'
import { digest } from '../../live.ts'

/**
 * The state of a type, as the digest tells it: only that knows whether anybody could work on a backlog. Without a
 * digest, what the type itself says.
 */
export function stateOf({ type, paused, waiting, running }: TypeView): string {
  if (paused) return 'paused'
  const told = digest.value?.types[type]?.state
  if (told !== undefined && told !== 'unknown') return told
  if (running > 0) return 'running'
  return waiting > 0 ? 'waiting' : 'idle'
}
