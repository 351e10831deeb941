class BatchTimeoutError extends Error {
  override name = 'BatchTimeoutError'
}

/** The shard belongs to another replica: all work on it here ends. */
export class LostShardError extends Error {
  override name = 'LostShardError'

  constructor(message = 'another replica has the shard') {
    super(message)
  }
}

/**
 * Runs work that may not listen to its signal: it is abandoned after the time, or once the shard is lost. Its signal is
 * aborted whenever this throws.
 * @throws the work's error; an error of Hasty's when it was abandoned
 */
export async function runUntil<T>(
  { timeoutMs, lost }: { timeoutMs: number; lost: AbortSignal },
  run: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  if (lost.aborted) throw new LostShardError()
  const control = new AbortController()
  const left = Promise.withResolvers<never>()
  const leave = (error: Error) => {
    control.abort(error)
    left.reject(error)
  }
  const onLost = () => leave(new LostShardError())
  const timer = setTimeout(() => leave(new BatchTimeoutError(`not done within ${timeoutMs} ms`)), timeoutMs)
  lost.addEventListener('abort', onLost, { once: true })
  try {
    return await Promise.race([Promise.resolve().then(() => run(control.signal)), left.promise])
  } catch (error) {
    // Also where a promise failed that the work does not await: it may still run.
    control.abort(error)
    throw error
  } finally {
    clearTimeout(timer)
    lost.removeEventListener('abort', onLost)
  }
}
