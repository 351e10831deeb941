import { signal } from '@preact/signals'

export const nowMs = (): number => new Date().getTime()

const SECOND = 1_000

/** The time as all relative times see it; it moves once a second, and not while nobody looks. */
export const now = signal(nowMs())

export function startClock(): void {
  const move = () => {
    if (!document.hidden) now.value = nowMs()
  }
  setInterval(move, SECOND)
  document.addEventListener('visibilitychange', move)
}
