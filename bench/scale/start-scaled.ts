import { rmSync } from 'node:fs'
import { hasty, service } from '../peers/peers.ts'
import { makeDir, warmUp } from '../peers/run-peer.ts'
import { RunningPeer } from '../peers/running-peer.ts'
import { writeHandlers } from './states.ts'

export interface Scale {
  apis: number
  /** Job services. */
  jobs: number
  /** Job types beside that of the load. */
  types: number
}

/** Room for millions of jobs: by default no more than one million are accepted. */
const ROOM = { LOG_MAX_JOBS: '10000000', LOG_MAX_BYTES: String(2 ** 46) }

/** Does the work with a Hasty of several processes, warmed up; nothing of it is left behind unless the work fails. */
export async function withHasty<T>(scale: Scale, work: (peer: RunningPeer) => Promise<T>): Promise<T> {
  const dir = makeDir('scale')
  const [api, job] = [service('api', 'api/main.ts'), service('worker', 'job/main.ts')]
  const peer = hasty({
    label: 'Hasty',
    services: [
      api,
      service('keeper', 'keeper/main.ts'),
      ...Array.from({ length: scale.apis - 1 }, () => ({ ...api, sharesPort: true as const })),
      // One more is the peer's own worker, which tells the numbers.
      ...Array.from({ length: scale.jobs - 1 }, () => job),
    ],
    storeOptions: { sync: '10ms' },
    env: { ...ROOM, HANDLERS_DIR: writeHandlers(dir, scale.types), ...(scale.apis > 1 ? { REUSE_PORT: 'true' } : {}) },
  })
  const running = await RunningPeer.start(peer, dir, `scale-${process.pid}`)
  try {
    await warmUp(running, 50)
    const result = await work(running)
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
    return result
  } finally {
    await running.stop()
  }
}
