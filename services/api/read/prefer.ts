/** Below nginx's read timeout and the usual timeouts of clients. */
export const WAIT_MAX_S = 60

/**
 * The caller's preferred wait for the end (RFC 7240, `Prefer: wait=5`), in whole seconds, at most WAIT_MAX_S; null: no
 * wait. A header that cannot be understood is ignored, as the standard requires.
 */
export function preferredWaitS(prefer: string): number | null {
  for (const preference of prefer.split(',')) {
    const [name = '', value = ''] = (preference.split(';')[0] ?? '').split('=')
    const seconds = /^"?(\d{1,9})"?$/.exec(value.trim())?.[1]
    if (name.trim().toLowerCase() === 'wait' && seconds !== undefined) return Math.min(Number(seconds), WAIT_MAX_S)
  }
  return null
}
