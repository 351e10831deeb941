import type { Phase } from '../peers.ts'
import type { RunningPeer } from '../running-peer.ts'
import { accept } from './accept.ts'
import { fillAndDrain } from './backlog.ts'
import { idle, type JobLatency, steady } from './latency.ts'
import { type MessageResults, messages } from './messages.ts'
import type { PhaseOptions, Throughput } from './phase.ts'
import { postToHandler } from './post-to-handler.ts'
import { read } from './read.ts'
import { type RequestResults, requests } from './requests.ts'

export interface JobResults {
  idle: JobLatency
  rate: JobLatency
  e2e: Throughput
  accept: Throughput
  get: Throughput
  list: Throughput
  fill: Throughput
  drain: Throughput
}

export type Results = Partial<JobResults & RequestResults & MessageResults>

const RATE_PER_S = 100
const RATE_S = 10

/** Measures one phase of a peer that runs. */
export async function measure(peer: RunningPeer, phase: Phase, options: PhaseOptions): Promise<Results> {
  const extra = peer.peer.during?.[phase]
  switch (phase) {
    case 'idle':
      return { idle: await idle(peer) }
    case 'rate':
      return { rate: await steady(peer, RATE_PER_S, RATE_S) }
    case 'e2e':
      return { e2e: await postToHandler(peer, { posts: options.jobs, connections: options.connections }) }
    case 'accept':
      return { accept: await accept(peer, options) }
    case 'requests':
      return peer.beside(extra, (port) => requests(peer, port, options))
    case 'messages':
      return peer.beside(extra, () => messages(peer, options))
    case 'read':
      return read(peer, options)
    case 'backlog':
      return fillAndDrain(peer, options)
  }
}
