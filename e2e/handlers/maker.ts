import type { CreateOptions, Handler } from 'hasty/handler'

export interface MakerPayload {
  makes: { name: string; type: string; payload?: unknown; options?: CreateOptions }[]
  /** How many attempts end by kill -9 once the jobs are made, and how many after them throw. */
  dies?: number
  throws?: number
}

/** Makes jobs, all at the same time, and returns their ids. */
export const handler = {
  type: 'maker',
  policy: { cooldown: false, max_attempts: 5, backoff: { kind: 'fixed', base_ms: 50, max_ms: 50, jitter: 0 } },
  async run({ makes, dies = 0, throws = 0 }, { create, attempt }) {
    const made = await Promise.all(
      makes.map(({ name, type, payload, options }) => create(name, type, payload, options)),
    )
    if (attempt <= dies) process.kill(process.pid, 'SIGKILL')
    if (attempt <= dies + throws) throw new Error('not yet')
    return made.map(({ jobId }) => jobId)
  },
} satisfies Handler<MakerPayload>
