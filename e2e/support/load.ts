import type { CreateJobBody, JobAccepted } from '#shared/contracts/http/jobs.ts'
import type { Problem } from '#shared/contracts/http/problems.ts'

/** `unknown`: no answer, or a 5xx: the job may or may not exist. */
export type PostOutcome = 'accepted' | 'refused' | 'unknown' | 'unexpected'

/** One POST as its caller saw it. */
export interface Post {
  /** Wall clock, milliseconds. */
  startedMs: number
  endedMs: number
  object_id: string
  type: string
  outcome: PostOutcome
  /** 0: no answer at all. */
  status: number
  /** For an accepted post its job; for a refused one the job that holds the object_id. */
  job_id: string | null
}

export type JobRequest = Pick<CreateJobBody, 'object_id'> & Partial<CreateJobBody>

export interface LoadOptions {
  url: string
  perSecond: number
  /** Number of posts; without it the load runs until `stop`. */
  total?: number
  /** Makes the n-th request, from 0. */
  request(n: number): JobRequest
}

export type Load = {
  readonly posts: readonly Post[]
  /** The ids of all jobs that were accepted, in the order of their answers. */
  readonly accepted: readonly string[]
  /** Stops; resolves when every post that was begun has its outcome. */
  stop(): Promise<void>
  /** Resolves when `total` posts have their outcome. */
  readonly done: Promise<void>
}

const TICK_MS = 20
const ANSWER_MS = 20_000

/** Open-loop load: posts at a steady rate, however slow the answers are, and remembers every one. */
export function startLoad(options: LoadOptions): Load {
  const posts: Post[] = []
  const accepted: string[] = []
  const underWay = new Set<Promise<void>>()
  const done = Promise.withResolvers<void>()
  const startedMs = performance.now()
  let begun = 0
  let stopping: Promise<void> | undefined

  const send = async (n: number) => {
    const post = await postJob(options.url, options.request(n))
    posts.push(post)
    if (post.outcome === 'accepted' && post.job_id !== null) accepted.push(post.job_id)
  }
  const tick = () => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * options.perSecond) + 1
    while (begun < Math.min(due, options.total ?? Number.POSITIVE_INFINITY)) {
      const sending = send(begun++).finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
    if (begun === options.total) void stop()
  }
  const stop = () => {
    stopping ??= (async () => {
      clearInterval(timer)
      await Promise.all(underWay)
      done.resolve()
    })()
    return stopping
  }
  const timer = setInterval(tick, TICK_MS)
  return { posts, accepted, stop, done: done.promise }
}

export async function postJob(url: string, body: JobRequest): Promise<Post> {
  const about = { startedMs: Date.now(), object_id: body.object_id, type: body.type ?? 'sleep' }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    const answer = (await response.json()) as Answer
    const outcome = outcomeOf(response.status, answer)
    return { ...about, endedMs: Date.now(), outcome, status: response.status, job_id: answer.job_id ?? null }
  } catch {
    return { ...about, endedMs: Date.now(), outcome: 'unknown', status: 0, job_id: null }
  }
}

type Answer = Partial<Pick<JobAccepted, 'job_id'> & Pick<Problem, 'code'>>

function outcomeOf(status: number, answer: Answer): PostOutcome {
  if (status === 201) return 'accepted'
  if (status === 400 && answer.code === 'cooldown') return 'refused'
  return status === 502 || status === 503 || status === 504 ? 'unknown' : 'unexpected'
}
