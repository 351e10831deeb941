import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '#shared/process/logger.ts'

export type ReviveOptions = {
  /** nats-server's own address: `http://127.0.0.1:8222/healthz`. */
  healthUrl: string
  /** A folder on the disk that nats-server writes to. */
  dir: string
  /** Ends nats-server; the supervisor starts it again. */
  end: () => Promise<void>
  log: Logger
}

const LOOK_EVERY_MS = 2_000
/** Smallest free space that the broker needs for a message. */
const PROBE_BYTES = 4 << 20

/**
 * Restarts a broker that refuses to write: nats-server 2.15 writes no more to a stream once a write has failed, even
 * when the disk has room again.
 * @returns a function that stops the checks
 */
export function reviveBroker({ healthUrl, dir, end, log }: ReviveOptions): () => void {
  const stopping = new AbortController()
  const look = async () => {
    const problem = await readProblem(healthUrl)
    if (problem === null || !(await canWrite(dir))) return
    log.warn({ problem }, 'nats-server refuses to write although its disk has room: restarting it')
    await end()
  }
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.debug({ err: error }, "could not read nats-server's health"))
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  void loop()
  return () => stopping.abort()
}

/** The problem that nats-server reports; null: none, or no answer. */
async function readProblem(healthUrl: string): Promise<string | null> {
  const response = await fetch(healthUrl, { signal: AbortSignal.timeout(LOOK_EVERY_MS) })
  const text = await response.text()
  return !response.ok && text.includes('write error') ? text : null
}

async function canWrite(dir: string): Promise<boolean> {
  const path = join(dir, '.room')
  try {
    const file = await open(path, 'w')
    try {
      await file.writeFile(Buffer.alloc(PROBE_BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch {
    return false
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}
