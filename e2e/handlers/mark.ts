/** Leaves its name in the extras: what a request that was never disturbed ends with is known beforehand. */
export const handler = {
  type: 'mark',
  policy: {
    timeout_ms: 20_000,
    max_attempts: 20,
    cooldown: false,
    backoff: { kind: 'fixed', base_ms: 50, max_ms: 50, jitter: 0 },
  },
  async run(payload: unknown) {
    const { name, ms = 5 } = payload as { name: string; ms?: number }
    await new Promise((resolve) => setTimeout(resolve, ms))
    return { extras: { [name]: name }, result: name }
  },
}
