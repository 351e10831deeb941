export type StopRequest = {
  /** Settles at the first request with the exit code it asks for. */
  readonly asked: Promise<number>
  /** The same, for what must be ended while it starts. */
  readonly signal: AbortSignal
  ask(exitCode: number): void
}

/** A terminal, npm and run.mjs may each hand on the same key press: what follows this closely is an echo. */
const echoMs = 1000

/** The first SIGINT or SIGTERM asks for a drain; one more, after a moment, calls `atOnce`. */
export function listenForStop(atOnce: () => void): StopRequest {
  const { promise, resolve } = Promise.withResolvers<number>()
  const aborter = new AbortController()
  const ask = (exitCode: number) => {
    resolve(exitCode)
    aborter.abort()
  }
  let firstAt: number | undefined
  const onSignal = () => {
    const now = performance.now()
    firstAt ??= now
    if (now - firstAt > echoMs) atOnce()
    ask(0)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)
  return { asked: promise, signal: aborter.signal, ask }
}
