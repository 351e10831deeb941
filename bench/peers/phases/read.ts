import { waitUntil } from '../../../scripts/servers/wait-until.ts'
import type { RunningPeer } from '../running-peer.ts'
import { callsFor } from './accept.ts'
import type { PhaseOptions, Throughput } from './phase.ts'

// Hasty's reads of finished jobs: one job by its id, and a page of a search.

const JOBS = 200
const SEARCHES = ['/v1/jobs?limit=50', '/v1/jobs?limit=50&status=finished&type=bench']

interface JobView {
  job_id: string
  status: string
}

export async function read(peer: RunningPeer, options: PhaseOptions): Promise<{ get: Throughput; list: Throughput }> {
  const ids = await Promise.all(Array.from({ length: JOBS }, (_, n) => postJob(peer, n)))
  await waitUntil(() => Promise.all(ids.map((id) => isFinished(peer, id))).then((all) => all.every(Boolean)), {
    what: 'the end of the jobs to read',
  })
  return {
    get: await callsFor(
      peer,
      options,
      ids.map((id) => `/v1/jobs/${id}`),
    ),
    list: await callsFor(peer, options, SEARCHES),
  }
}

async function postJob(peer: RunningPeer, n: number): Promise<string> {
  const response = await fetch(peer.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: peer.peer.body.replace('$ID', `read-${performance.now()}-${n}`).replace('$T', '0'),
  })
  if (response.status !== 201) throw new Error(`a job to read was answered ${response.status}`)
  return ((await response.json()) as JobView).job_id
}

async function isFinished(peer: RunningPeer, id: string): Promise<boolean> {
  const response = await fetch(`${peer.url}/v1/jobs/${id}`)
  return ((await response.json()) as JobView).status === 'finished'
}
