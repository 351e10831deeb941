import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { proportionalMib, residentMib } from './meter.ts'
import { type Peer, type PeerName, PHASES, type Phase } from './peers.ts'
import { measure, type PhaseOptions, type Results, untilQuiet } from './phases.ts'
import { RunningPeer } from './running-peer.ts'

export interface RunOptions extends PhaseOptions {
  phases: readonly Phase[]
  /** Cores of other processes above which a phase is measured again. */
  noise: number
}

/** One run of one peer, as a line of the results. */
export interface Row extends Results {
  peer: PeerName
  repeat: number
  at: string
  jobs: number
  backlog: number
  /** Memory in MiB: of api and worker at their most, of the store at the end. */
  memory?: { api: number; worker: number | null; store: number }
  error?: string
}

const WARM_UP_JOBS = 3_000
const TRIES = 3

/** Runs a peer from an empty store, measures its phases, and leaves nothing behind unless it failed. */
export async function runPeer(name: PeerName, peer: Peer, repeat: number, options: RunOptions): Promise<Row> {
  const row: Row = { peer: name, repeat, at: new Date().toISOString(), jobs: options.jobs, backlog: options.backlog }
  const dir = makeDir(name)
  let running: RunningPeer | null = null
  try {
    running = await RunningPeer.start(peer, dir, `${process.pid}-${repeat}`)
    await warmUp(running, options)
    let workerMib = 0
    for (const phase of PHASES.filter(
      (each) => options.phases.includes(each) && peer.phases?.includes(each) !== false,
    )) {
      // The phase `backlog` restarts the worker.
      workerMib = Math.max(workerMib, peakOf(running.workerPid))
      Object.assign(row, await quietest(running, phase, options))
    }
    row.memory = {
      api: running.apiPids.reduce((sum, pid) => sum + peakOf(pid), 0),
      worker: running.workerPid === null ? null : Math.max(workerMib, peakOf(running.workerPid)),
      store: proportionalMib(running.storePids),
    }
  } catch (error) {
    row.error = error instanceof Error ? error.message : String(error)
  } finally {
    await running?.stop()
  }
  if (row.error === undefined) rmSync(dir, { recursive: true, force: true })
  return row
}

const peakOf = (pid: number | null): number => (pid === null ? 0 : residentMib(pid, 'VmHWM'))

function makeDir(name: string): string {
  const base = process.env['BENCH_DATA'] ?? join(import.meta.dirname, '.data')
  mkdirSync(base, { recursive: true })
  const dir = mkdtempSync(join(base, `${name}-`))
  // PostgreSQL runs as another user.
  chmodSync(dir, 0o755)
  mkdirSync(join(dir, 'data'))
  return dir
}

async function warmUp(running: RunningPeer, { connections }: RunOptions): Promise<void> {
  const { ok, errors, why } = await running.load(connections, '-n', WARM_UP_JOBS)
  if (ok !== WARM_UP_JOBS) throw new Error(`${errors} of the first POSTs failed: ${why}`)
  if (running.workerPid !== null && !(await running.drained())) throw new Error('the first jobs were not all handled')
}

/** Measures again while others had the cores; of several measurements the one with the quietest machine counts. */
async function quietest(running: RunningPeer, phase: Phase, options: RunOptions): Promise<Results> {
  let best: { results: Results; noise: number } | null = null
  for (let tries = 0; tries < TRIES && (best === null || best.noise > options.noise); tries++) {
    await untilQuiet(options.quietWaitS)
    const results = await measure(running, phase, options)
    const noise = Math.max(...Object.values(results).map(({ cpu }) => cpu.othersCores))
    if (best === null || noise < best.noise) best = { results, noise }
  }
  return best?.results ?? {}
}
