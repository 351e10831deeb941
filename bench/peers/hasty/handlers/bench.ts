// Counts starts as the workers of the other peers do; the harness asks for the numbers on STATS_PORT.
import { hit, serve } from '../../stats.mjs'

interface LaneState {
  num_pending: number
  num_ack_pending: number
}

/** Jobs of the type that wait or run, as its lane says it. */
async function openDepth(): Promise<() => Promise<number>> {
  const { connect } = await import('@nats-io/transport-node')
  const nc = await connect({ servers: process.env['NATS_URL'] ?? '' })
  return async () => {
    const answer = await nc.request('$JS.API.CONSUMER.INFO.JOBS.work-bench-normal', '')
    const { num_pending: pending, num_ack_pending: unacked } = answer.json<LaneState>()
    return pending + unacked
  }
}

// `setup` and the check of settings load the handler as well, and have no such port.
if (process.env['STATS_PORT'] !== undefined) await serve(await openDepth())

export const handler = {
  type: 'bench',
  run: (payload: { t: number }): null => {
    hit(payload.t)
    return null
  },
}
