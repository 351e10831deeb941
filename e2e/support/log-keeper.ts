import type { NatsConnection } from '@nats-io/transport-node'
import { type LogEntry, readLog } from './read-log.ts'

export type LogKeeper = AsyncDisposable & {
  /** Everything read so far, in the order of the log. */
  readonly entries: Iterable<LogEntry>
}

const EVERY_MS = 200

/** Reads the log along, so that trimmed events can still be judged. */
export function startLogKeeper(nats: NatsConnection): LogKeeper {
  const entries: LogEntry[] = []
  const stopping = new AbortController()
  const keep = async () => {
    while (!stopping.signal.aborted) {
      entries.push(...(await readLog(nats, (entries.at(-1)?.seq ?? 0) + 1)))
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
  }
  const keeping = keep()
  return {
    entries,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await keeping
    },
  }
}
