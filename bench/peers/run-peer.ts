import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { proportionalMib, type Role, residentMib } from './meter.ts'
import { type Peer, type PeerName, PHASES, type Phase } from './peers.ts'
import { measure, type Results } from './phases/measure.ts'
import { untilQuiet } from './phases/phase.ts'
import type { RunOptions } from './run-options.ts'
import { RunningPeer } from './running-peer.ts'
import { machine, versionsOf } from './versions.ts'

/** One run of one peer, as a line of the results. */
export interface Row extends Results {
  peer: PeerName
  repeat: number
  at: string
  machine: string
  versions: Record<string, string>
  /** The numbers of the run. */
  settings: RunOptions['settings']
  /** MiB: of the peer's processes at their most, of the store at the end. */
  memory?: Partial<Record<Role, number>>
  error?: string
}

const WARM_UP_JOBS = 3_000
const TRIES = 3

/** Runs a peer from an empty store, measures its phases, and leaves nothing behind unless it failed. */
export async function runPeer(name: PeerName, peer: Peer, repeat: number, options: RunOptions): Promise<Row> {
  const { settings } = options
  const at = new Date().toISOString()
  const row: Row = { peer: name, repeat, at, machine: machine(), versions: versionsOf(name, peer), settings }
  const dir = makeDir(name)
  let running: RunningPeer | null = null
  try {
    running = await RunningPeer.start(peer, dir, `${process.pid}-${repeat}`)
    await warmUp(running, settings.connections)
    row.memory = {}
    for (const phase of PHASES.filter((each) => options.phases.includes(each) && peer.phases.includes(each))) {
      // The phase `backlog` restarts the worker.
      noteMemory(row.memory, running)
      Object.assign(row, await quietest(running, phase, settings))
    }
    noteMemory(row.memory, running)
  } catch (error) {
    row.error = error instanceof Error ? error.message : String(error)
  } finally {
    await running?.stop()
  }
  if (row.error === undefined) rmSync(dir, { recursive: true, force: true })
  return row
}

/** On a disk, which /tmp may not be, and where PostgreSQL can come as another user. */
const DATA = '/var/tmp/hasty-bench'

/** @returns a new folder with an empty one for the data */
export function makeDir(name: string): string {
  const base = process.env['BENCH_DATA'] ?? DATA
  mkdirSync(base, { recursive: true })
  const dir = mkdtempSync(join(base, `${name}-`))
  chmodSync(dir, 0o755)
  mkdirSync(join(dir, 'data'))
  return dir
}

function noteMemory(memory: Partial<Record<Role, number>>, running: RunningPeer): void {
  for (const [role, pids] of Object.entries(running.pids()) as [Role, number[]][]) {
    const mib = role === 'store' ? proportionalMib(pids) : pids.reduce((sum, pid) => sum + residentMib(pid, 'VmHWM'), 0)
    memory[role] = role === 'store' ? mib : Math.max(memory[role] ?? 0, mib)
  }
}

/** Load that is not measured: the code of a process is compiled after it. */
export async function warmUp(running: RunningPeer, connections: number): Promise<void> {
  const { ok, errors, why } = await running.load({}, '-c', connections, '-n', WARM_UP_JOBS)
  if (ok !== WARM_UP_JOBS) throw new Error(`${errors} of the first POSTs failed: ${why}`)
  if (running.workerPid !== null && !(await running.drained())) throw new Error('the first jobs were not all handled')
}

/** Measures again while others had the cores; of several measurements the one with the quietest machine counts. */
async function quietest(running: RunningPeer, phase: Phase, settings: RunOptions['settings']): Promise<Results> {
  let best: { results: Results; noise: number } | null = null
  for (let tries = 0; tries < TRIES && (best === null || best.noise > settings.noise); tries++) {
    await untilQuiet(settings.quiet)
    const results = await measure(running, phase, settings)
    const noise = Math.max(...Object.values(results).map(({ cpu }) => cpu.othersCores))
    if (best === null || noise < best.noise) best = { results, noise }
  }
  return best?.results ?? {}
}
