/** Sleeps as long as its payload says. */
export const handler = {
  type: 'nap',
  policy: { timeout_ms: 20_000, cooldown: false },
  run: (payload: { ms: number }) => new Promise((resolve) => setTimeout(() => resolve(payload.ms), payload.ms)),
}
