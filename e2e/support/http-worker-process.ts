// A worker over plain HTTP as a process of its own, which a test kills, freezes and wakes: claims jobs, keeps their
// leases, has its effect under the fencing token as the handler `effect` does, and says how they ended.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClaimedWork, ExtendedWork, LentJob } from '#shared/contracts/http/work.ts'

const url = process.env.HASTY_URL ?? ''
const sink = process.env.EFFECT_SINK_URL ?? ''
const leaseS = Number(process.env.LEASE_S)
const workers = Number(process.env.WORKERS)
const type = process.env.TYPE ?? ''

interface Answer {
  status: number
  body: unknown
}

async function call(path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  })
  return { status: response.status, body: await response.json() }
}

/** Repeats a call for as long as no clear answer comes. */
async function insist(path: string, body: unknown): Promise<Answer> {
  for (;;) {
    const answer = await call(path, body).catch(() => null)
    if (answer !== null && answer.status < 500) return answer
    await delay(100 + Math.random() * 200)
  }
}

async function work(workerId: string): Promise<void> {
  for (;;) {
    const claim = { worker_id: workerId, types: [type], max: 2, wait_s: 5, lease_s: leaseS, claim_id: randomUUID() }
    const { status, body } = await insist('/v1/work', claim)
    if (status !== 200) throw new Error(`claim: ${status} ${JSON.stringify(body)}`)
    await Promise.all((body as ClaimedWork).jobs.map((job) => run(workerId, job)))
  }
}

async function run(workerId: string, job: LentJob): Promise<void> {
  const stop = new AbortController()
  const beats = setInterval(
    () => {
      const leases = [{ lease: job.lease, progress: { percent: 50 } }]
      call('/v1/work/extend', { worker_id: workerId, lease_s: leaseS, leases })
        .then(({ status, body }) => {
          if (status === 200 && (body as ExtendedWork).leases[0]?.status !== 'ok') stop.abort()
        })
        .catch(() => undefined)
    },
    (leaseS * 1_000) / 3,
  )
  try {
    await delay((job.payload as { ms: number }).ms, undefined, { signal: stop.signal })
    const path = `/v1/work/${job.job_id}`
    if (job.attempt <= ((job.payload as { failures?: number }).failures ?? 0)) {
      await insist(`${path}/fail`, { lease: job.lease, error: { message: `failure ${job.attempt}` } })
      return
    }
    const effect = { job_id: job.job_id, fencing_token: job.fencing_token, attempt: job.attempt, pid: process.pid }
    const { ok } = await fetch(sink, { method: 'POST', body: JSON.stringify(effect) })
    if (ok) await insist(`${path}/complete`, { lease: job.lease, result: { fencing_token: job.fencing_token } })
    else await insist(`${path}/fail`, { lease: job.lease, error: { message: 'the sink refused the token' } })
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    clearInterval(beats)
  }
}

await Promise.all(Array.from({ length: workers }, (_, n) => work(`w-${process.pid}-${n}`)))
