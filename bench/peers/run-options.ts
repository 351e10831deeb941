import { PHASES, type Phase } from './peers.ts'
import type { PhaseOptions } from './phases/phase.ts'

/** The numbers of a run, each with its default and what it is. */
const SETTINGS: Record<keyof Settings, [value: number, text: string]> = {
  jobs: [20_000, 'jobs from POST to handler (phase e2e)'],
  backlog: [100_000, 'jobs that wait for the worker (phase backlog)'],
  requests: [500, 'requests of 3 steps of 4 jobs'],
  messages: [20_000, 'messages to files'],
  connections: [50, 'connections of the load'],
  seconds: [8, 'length of the phases accept and read'],
  noise: [0.25, 'cores of other processes above which a phase is measured again'],
  quiet: [60, 'longest wait for other processes to be quiet, seconds'],
}

/** Sizes for a look that takes a minute or two. */
const QUICK: Partial<Settings> = {
  jobs: 5_000,
  backlog: 10_000,
  requests: 100,
  messages: 5_000,
  seconds: 3,
  quiet: 5,
  noise: 1,
}

export interface Settings extends PhaseOptions {
  /** Cores of other processes above which a phase is measured again. */
  noise: number
}

export interface RunOptions {
  phases: readonly Phase[]
  settings: Settings
}

export const SETTINGS_HELP = Object.entries(SETTINGS)
  .map(([name, [value, text]]) => `    ${`${name}=${value}`.padEnd(20)} ${text}`)
  .join('\n')

/** @param given `NAME=N` each */
export function readSettings(given: readonly string[], isQuick: boolean): Settings {
  const defaults = Object.fromEntries(Object.entries(SETTINGS).map(([name, [value]]) => [name, value]))
  const own = given.map((text): [string, number] => {
    const [name = '', value] = text.split('=')
    if (!Object.hasOwn(SETTINGS, name) || !(Number(value) >= 0))
      throw new Error(`--set ${text}: expected NAME=N with one of ${Object.keys(SETTINGS).join(', ')}`)
    return [name, Number(value)]
  })
  return { ...defaults, ...(isQuick ? QUICK : {}), ...Object.fromEntries(own) } as Settings
}

/** @param list names with commas between them; undefined: all */
export function readPhases(list: string | undefined): readonly Phase[] {
  if (list === undefined) return PHASES
  const isPhase = (name: string): name is Phase => (PHASES as readonly string[]).includes(name)
  const names = list.split(',')
  const unknown = names.filter((name) => !isPhase(name))
  if (unknown.length > 0) throw new Error(`There is no phase ${unknown.join(', ')}. Choose from: ${PHASES.join(',')}`)
  return names.filter(isPhase)
}
