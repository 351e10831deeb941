/** Thrown into the running command when a person pressed Ctrl-C. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

export interface Interrupts {
  /** Aborted by the first Ctrl-C; for a command that drains, by the second. */
  readonly signal: AbortSignal
  /** Makes the first Ctrl-C only call this function. */
  drainFirst(onFirst: () => void): void
}

/**
 * Time within which a second signal is an echo: a key press may come twice, from the terminal and from a parent that
 * passes it on.
 */
const ECHO_MS = 500

/** SIGINT and SIGTERM, as an AbortSignal. */
export function watchInterrupts(source: NodeJS.EventEmitter): Interrupts {
  const aborter = new AbortController()
  let onFirst: (() => void) | null = null
  let lastMs = Number.NEGATIVE_INFINITY
  const interrupt = () => {
    const now = performance.now()
    if (now - lastMs < ECHO_MS) return
    lastMs = now
    const drain = onFirst
    onFirst = null
    if (drain === null) aborter.abort(new Interrupted('Interrupted'))
    else drain()
  }
  source.on('SIGINT', interrupt)
  source.on('SIGTERM', interrupt)
  return {
    signal: aborter.signal,
    drainFirst: (callback) => {
      onFirst = callback
    },
  }
}
