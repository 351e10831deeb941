import { jetstreamManager } from '@nats-io/jetstream'
import { expect, vi } from 'vitest'
import { isTerminalEvent, JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Hasty, Mixed } from '../support/hasty.ts'
import { connectTest, readLog } from '../support/read-log.ts'

/**
 * A workflow service, a job service or the broker, by SIGKILL, and starts it again.
 * @param events that what was begun just before makes at least: somewhere among them it happens
 */
export async function killOne(hasty: Mixed<'workflow' | 'job'>, events: number): Promise<void> {
  await untilLogGrewBy(hasty, 5 + Math.floor(Math.random() * (events - 5)))
  const victims = [...hasty.workflow, ...hasty.job, null]
  const victim = victims[Math.floor(Math.random() * victims.length)]
  if (victim === null || victim === undefined) {
    await hasty.nats.kill('SIGKILL')
    await hasty.nats.restart()
    return
  }
  victim.kill('SIGKILL')
  await victim.exited()
  await victim.restart()
}

/** At no moment in particular, but with something going on; when nothing does any more, at once. */
async function untilLogGrewBy(hasty: Hasty, events: number): Promise<void> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const manager = await jetstreamManager(nc, { checkAPI: false })
    const lastSeq = async () => (await manager.streams.info(JOBS_STREAM)).state.last_seq
    const from = await lastSeq()
    const grown = vi.waitFor(async () => expect(await lastSeq()).toBeGreaterThan(from + events), {
      timeout: 1_000,
      interval: 5,
    })
    await grown.catch(() => undefined)
  } finally {
    await nc.close()
  }
}

/** In the log itself: how often each job ended. */
export async function endsOfJobs(hasty: Hasty): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>()
  const nc = await connectTest(hasty.nats.url)
  const entries = await readLog(nc)
  await nc.close()
  for (const { event } of entries) {
    if (event !== null && isTerminalEvent(event.event)) ends.set(event.job_id, (ends.get(event.job_id) ?? 0) + 1)
  }
  return ends
}
