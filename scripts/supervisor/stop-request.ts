export type StopRequest = {
  /** Settles at the first request with its exit code. */
  readonly asked: Promise<number>
  /** Aborted at the first request, for work that must end during the start. */
  readonly signal: AbortSignal
  ask(exitCode: number): void
}

/** Time within which a second signal is an echo: a terminal, npm and run.mjs may each pass on the same key press. */
const echoMs = 1000

/** Listens for signals: the first SIGINT or SIGTERM requests a drain; one more, after a moment, calls `atOnce`. */
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
