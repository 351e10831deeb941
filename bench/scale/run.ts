// See HELP. Exit code: 0 when everything was measured.
import { parseArgs } from 'node:util'
import { findNatsServer } from '../../scripts/servers/find-nats-server.ts'
import { installPeers } from '../peers/install.ts'
import { machine } from '../peers/versions.ts'
import { measureCost } from './measure-cost.ts'
import { measureDeadWorker } from './measure-dead-worker.ts'
import { measureHttpWorkers } from './measure-http-workers.ts'
import { measureProcesses } from './measure-processes.ts'
import { measureState } from './measure-state.ts'
import { measureStreams } from './measure-streams.ts'
import {
  costTable,
  deadWorkerTable,
  httpWorkersTable,
  processesTable,
  statesTable,
  streamsTable,
} from './scale-tables.ts'
import { type StateName, states } from './states.ts'

const STATES = Object.keys(states) as StateName[]
/** Measurements, and the size of each that was not given one. */
const SIZES: Record<string, { size: number; text: string }> = {
  processes: { size: 4, text: '1, 2, 4 ... apis and job services up to this number, on 50 connections each' },
  'http-workers': {
    size: 20_000,
    text: 'workers over HTTP that ask for 1, 20 and 100 jobs at once, from a backlog of so many',
  },
  'dead-worker': { size: 6, text: 'job services killed with -9, one after the other: until their jobs run elsewhere' },
  streams: { size: 200_000, text: 'the broker alone: so many messages in one stream, in two, and in four' },
  cost: { size: 1_000, text: 'cores for 1,000 jobs a second by process, at this many a second and a tenth of it' },
  ...Object.fromEntries(STATES.map((name) => [name, { size: states[name].size, text: states[name].text }])),
}

const HELP = `npm run bench:scale [-- NAME[=SIZE] ... OPTIONS]: what Hasty costs as it grows, each measurement with a Hasty of its own.
Takes hours for everything; needs what npm run bench needs, and disk and memory for what is to lie in it.

${Object.entries(SIZES)
  .map(([name, { size, text }]) => `  ${`${name}${size === 0 ? '' : `=${size}`}`.padEnd(20)} ${text}`)
  .join('\n')}

  --seconds N          8, of the load that takes all
  --jobs N             20000, of processes

"empty" is always measured before the other states, to compare with.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '8' },
    jobs: { type: 'string', default: '20000' },
  },
})

function chosen(): Map<string, number> {
  const given = positionals.length > 0 ? positionals : Object.keys(SIZES)
  return new Map(
    given.map((text) => {
      const [name = '', size] = text.split('=')
      const known = SIZES[name]
      if (known === undefined || !(Number(size ?? known.size) >= 0))
        throw new Error(`${text}: expected NAME or NAME=SIZE with one of ${Object.keys(SIZES).join(', ')}`)
      return [name, Number(size ?? known.size)]
    }),
  )
}

const seconds = Number(values.seconds)
const failed: string[] = []

/** Tells each result as it comes, so that a failure later costs none of those before. */
async function tell<T extends { problems: string[] }>(name: string, measuring: Promise<T>): Promise<T[]> {
  try {
    const row = await measuring
    console.error(`${name}: ${JSON.stringify(row)}`)
    return [row]
  } catch (error) {
    failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    console.error(failed.at(-1))
    return []
  }
}

async function measureStates(sizes: ReadonlyMap<string, number>): Promise<void> {
  const names = STATES.filter((name) => sizes.has(name))
  if (names.length === 0) return
  const rows = []
  for (const name of new Set<StateName>(['empty', ...names])) {
    const size = sizes.get(name) ?? states[name].size
    rows.push(...(await tell(name, measureState(name, size, seconds))))
  }
  console.log(`\n${statesTable(rows)}`)
  explain(rows)
}

async function measureAllProcesses(most: number): Promise<void> {
  const rows = []
  for (let processes = 1; processes <= most; processes *= 2)
    rows.push(...(await tell(`processes=${processes}`, measureProcesses(processes, Number(values.jobs), seconds))))
  console.log(`\n${processesTable(rows)}`)
  explain(rows)
}

async function measureAllCosts(perS: number): Promise<void> {
  const measured = measureCost(perS).then((rows) => ({ rows, problems: rows.flatMap(({ problems }) => problems) }))
  const rows = (await tell('cost', measured)).flatMap((result) => result.rows)
  console.log(`\n${costTable(rows)}`)
  explain(rows)
}

async function measureAllHttpWorkers(jobs: number): Promise<void> {
  const measured = measureHttpWorkers([1, 20, 100], jobs).then((rows) => ({ rows, problems: [] }))
  const rows = (await tell('http-workers', measured)).flatMap((result) => result.rows)
  console.log(`\n${httpWorkersTable(rows)}`)
}

async function measureDeadWorkers(kills: number): Promise<void> {
  console.log(`\n${deadWorkerTable(await tell('dead-worker', measureDeadWorker(kills)))}`)
}

async function measureAllStreams(messages: number): Promise<void> {
  const rows = []
  for (const streams of [1, 2, 4]) rows.push(...(await tell(`streams=${streams}`, measureStreams(streams, messages))))
  console.log(`\n${streamsTable(rows)}`)
}

function explain(rows: readonly { problems: string[] }[]): void {
  const problems = rows.flatMap((row) => row.problems)
  if (problems.length > 0) console.log(['\nNot clean:', '', ...problems.map((problem) => `- ${problem}`)].join('\n'))
}

async function main(): Promise<void> {
  const sizes = chosen()
  installPeers(['hasty'])
  process.env['NATS_SERVER_BIN'] ??= (await findNatsServer()).path
  console.log(`${machine()}, Node ${process.versions.node}, ${new Date().toISOString()}`)
  const [processes, cost] = [sizes.get('processes'), sizes.get('cost')]
  if (processes !== undefined) await measureAllProcesses(processes)
  if (cost !== undefined) await measureAllCosts(cost)
  const backlog = sizes.get('http-workers')
  if (backlog !== undefined) await measureAllHttpWorkers(backlog)
  const kills = sizes.get('dead-worker')
  if (kills !== undefined) await measureDeadWorkers(kills)
  const messages = sizes.get('streams')
  if (messages !== undefined) await measureAllStreams(messages)
  await measureStates(sizes)
  if (failed.length > 0) console.log(['\nNot measured:', '', ...failed.map((why) => `- ${why}`)].join('\n'))
  process.exitCode = failed.length > 0 ? 1 : 0
}

if (values.help) console.log(HELP)
else await main()
