import { readFileSync } from 'node:fs'
import { nowUs } from './clock.mjs'
import type { PeerProcess } from './peers.ts'

// CPU and memory of processes, as Linux tells them in /proc.

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10
const POLL_MS = 200
const MIB = 2 ** 20
const KIB = 1024

/** The purpose of a process: it is one of the peer's, the store, the load generator or this harness. */
export type Role = PeerProcess['name'] | 'store' | 'load' | 'harness'

export interface CpuUse {
  wallMs: number
  ms: Partial<Record<Role, number>>
  /** Cores that all other processes of the machine used meanwhile. */
  othersCores: number
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Milliseconds of CPU that a process has used; null: it has ended. */
function cpuMsOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === '') return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Milliseconds of CPU that the machine has used. */
export function machineMs(): number {
  const [user = 0, nice = 0, system = 0] =
    read('/proc/stat').split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number) ?? []
  return (user + nice + system) * TICK_MS
}

/** A process and whatever it has started. */
export function familyOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(familyOf)]
}

/** MiB of a process: `VmRSS` now, `VmHWM` at the most. */
export const residentMib = (pid: number, field: 'VmRSS' | 'VmHWM'): number =>
  Math.round((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * KIB) / MIB)

/** MiB of processes that share memory: what is shared is counted once. */
export const proportionalMib = (pids: number[]): number =>
  Math.round(
    pids.reduce(
      (sum, pid) => sum + (Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * KIB) / MIB,
      0,
    ),
  )

/** The CPU of each role between `start` and `end`. It polls, because a load generator ends before it is asked. */
export class Meter {
  readonly #roles: () => Partial<Record<Role, number[]>>
  readonly #seen = new Map<number, { role: Role; fromMs: number; nowMs: number }>()
  #timer: NodeJS.Timeout | undefined
  #startedUs = 0
  #machineMs = 0
  #hasBegun = false

  constructor(roles: () => Partial<Record<Role, number[]>>) {
    this.#roles = roles
  }

  start(): this {
    this.#poll()
    this.#hasBegun = true
    this.#machineMs = machineMs()
    this.#startedUs = nowUs()
    this.#timer = setInterval(() => this.#poll(), POLL_MS)
    return this
  }

  end(): CpuUse {
    clearInterval(this.#timer)
    this.#poll()
    const wallMs = (nowUs() - this.#startedUs) / 1_000
    const ms: Partial<Record<Role, number>> = {}
    let ours = 0
    for (const { role, fromMs, nowMs } of this.#seen.values()) {
      ms[role] = (ms[role] ?? 0) + nowMs - fromMs
      ours += nowMs - fromMs
    }
    return { wallMs, ms, othersCores: Math.max(0, machineMs() - this.#machineMs - ours) / wallMs }
  }

  #poll(): void {
    for (const [role, pids] of Object.entries(this.#roles()) as [Role, number[]][]) {
      for (const pid of pids) {
        const nowMs = cpuMsOf(pid)
        const known = this.#seen.get(pid)
        if (nowMs === null) continue
        if (known === undefined) this.#seen.set(pid, { role, fromMs: this.#hasBegun ? 0 : nowMs, nowMs })
        else known.nowMs = nowMs
      }
    }
  }
}
