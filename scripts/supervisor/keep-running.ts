import { setTimeout as delay } from 'node:timers/promises'
import { EXIT } from '#shared/process/exit.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Exit } from '../servers/child.ts'

const firstPauseMs = 250
const longestPauseMs = 5000
/** Lifetime after which a process starts again with the shortest pause. */
const healthyAfterMs = 10_000

/** A process that must run: a service or the broker. `exited` belongs to the current process. */
export type Running = {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Only services tell. */
  readonly isReady?: boolean
  kill(signal: NodeJS.Signals): unknown
  stop(graceMs: number): Promise<unknown>
}

export type KeepRunningOptions = {
  name: string
  start: () => Promise<Running>
  log: Logger
  /**
   * Called when a service reports invalid settings: starting it again would not help. null: it might, because somebody
   * is at work on its handlers.
   */
  onBadSettings: (() => void) | null
  /** Called when a service found its port taken. @returns whether it has another one now */
  onPortTaken?: () => Promise<boolean>
}

export type Kept = {
  /** Stops the process gently, with SIGKILL after the grace time; nothing is started again. */
  stop(graceMs: number): Promise<void>
  kill(signal: NodeJS.Signals): void
  readonly name: string
  isReady(): boolean
}

export type Restartable = Kept & {
  /** Stops the process gently, and starts it again at once. Resolves when the old one has ended. */
  restart(graceMs: number): Promise<void>
  /** Passes on a signal that ends nothing; a process that is starting, and would end by it, does not get it. */
  tell(signal: NodeJS.Signals): void
}

/** starting -> running -> (the process ends) pausing -> starting ...; `stop` leaves each state permanently. */
export function keepRunning({ name, start, log, onBadSettings, onPortTaken }: KeepRunningOptions): Restartable {
  const stopping = new AbortController()
  const isStopping = () => stopping.signal.aborted
  let starting: Promise<Running> | undefined
  let current: Running | undefined
  let restarted: Running | undefined
  let pauseMs = firstPauseMs

  async function runOnce(): Promise<void> {
    const startedAt = performance.now()
    try {
      starting = start()
      current = await starting
      if (isStopping()) return
      const { code, signal } = await current.exited
      if (isStopping() || restarted === current) return
      if (performance.now() - startedAt > healthyAfterMs) pauseMs = firstPauseMs
      if (code === EXIT.badSettings && onBadSettings !== null) return giveUp(onBadSettings)
      if (code === EXIT.portTaken && (await onPortTaken?.())) return
      log.warn({ name, ended_pid: current.pid, code, signal, again_in_ms: pauseMs }, 'process ended, will restart')
    } catch (error) {
      log.error({ name, err: error, again_in_ms: pauseMs }, 'process did not start, will retry')
    }
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }

  function giveUp(tell: () => void): void {
    stopping.abort()
    tell()
  }

  async function loop(): Promise<void> {
    while (!isStopping()) await runOnce()
  }

  const done = loop()
  return {
    stop: async (graceMs) => {
      stopping.abort()
      await current?.stop(graceMs)
      await done
      // The process whose start was under way when the stop came.
      await current?.stop(graceMs)
    },
    restart: async (graceMs) => {
      // Also one that is on its way: it was started with the settings of before.
      restarted = await starting?.catch(() => undefined)
      await restarted?.stop(graceMs)
    },
    kill: (signal) => {
      stopping.abort()
      current?.kill(signal)
    },
    tell: (signal) => {
      if (current?.isReady) current.kill(signal)
    },
    name,
    isReady: () => current?.isReady ?? false,
  }
}
