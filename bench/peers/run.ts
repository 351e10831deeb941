// See HELP. Exit code: 0 when every run was measured.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { findNatsServer } from '../../scripts/servers/find-nats-server.ts'
import { installPeers } from './install.ts'
import { type PeerName, PHASES, type Phase, peers } from './peers.ts'
import { resultsTable } from './results-table.ts'
import { type Row, type RunOptions, runPeer } from './run-peer.ts'

const NAMES = Object.keys(peers) as PeerName[]
const REST_MS = 5_000

const HELP = `npm run bench:peers [-- PEER ... OPTIONS]: the same job service built on several queues, under the same load, and
Hasty beside them; the repeats are interleaved. Takes about 45 minutes for all peers. Needs npm, Go and apt.

  --quick              Hasty and BullMQ, one repeat of the phases e2e, accept and rate: about two minutes
  --repeats N          3
  --phases LIST        ${PHASES.join(',')}
  --jobs N             20000, of the phase e2e        --backlog N      100000
  --connections N      50                             --seconds N      8, of the phase accept
  --noise CORES        0.25: above it, of other processes, a phase is measured again
  --quiet-wait S       60: how long a phase waits for other processes to be quiet
  --out FILE           a line a run; results/ beside this script where it is left out
  --table FILE         only print the tables of an earlier run

peers: ${NAMES.join(' ')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    repeats: { type: 'string' },
    phases: { type: 'string' },
    jobs: { type: 'string', default: '20000' },
    backlog: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '8' },
    noise: { type: 'string', default: '0.25' },
    'quiet-wait': { type: 'string', default: '60' },
    out: { type: 'string' },
    table: { type: 'string' },
  },
})

const isPeer = (name: string): name is PeerName => (NAMES as string[]).includes(name)
const isPhase = (name: string): name is Phase => (PHASES as readonly string[]).includes(name)

function chosenPeers(): PeerName[] {
  const unknown = positionals.filter((name) => !isPeer(name))
  if (unknown.length > 0) throw new Error(`There is no peer ${unknown.join(', ')}. Choose from: ${NAMES.join(' ')}`)
  if (positionals.length > 0) return positionals.filter(isPeer)
  return values.quick ? ['hasty', 'bullmq'] : NAMES
}

function chosenOptions(): RunOptions {
  const phases = (values.phases ?? (values.quick ? 'e2e,accept,rate' : PHASES.join(','))).split(',')
  const unknown = phases.filter((name) => !isPhase(name))
  if (unknown.length > 0) throw new Error(`There is no phase ${unknown.join(', ')}. Choose from: ${PHASES.join(',')}`)
  return {
    phases: phases.filter(isPhase),
    jobs: Number(values.jobs),
    backlog: Number(values.backlog),
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    noise: Number(values.noise),
    quietWaitS: Number(values['quiet-wait']),
  }
}

async function run(): Promise<Row[]> {
  const [names, options] = [chosenPeers(), chosenOptions()]
  const repeats = Number(values.repeats ?? (values.quick ? 1 : 3))
  console.error(`${cpus().length} cores, Node ${process.versions.node}; installing what the peers need ...`)
  installPeers(new Set(names.map((name) => peers[name].store)))
  process.env['NATS_SERVER_BIN'] ??= (await findNatsServer()).path
  const dir = join(import.meta.dirname, 'results')
  mkdirSync(dir, { recursive: true })
  const file = values.out ?? join(dir, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.jsonl`)
  const rows: Row[] = []
  for (let repeat = 1; repeat <= repeats; repeat++) {
    // There and back, so that a drift of the machine favours nobody.
    for (const name of repeat % 2 === 1 ? names : names.toReversed()) {
      const row = await runPeer(name, peers[name], repeat, options)
      rows.push(row)
      appendFileSync(file, `${JSON.stringify(row)}\n`)
      console.error(`#${repeat} ${name}: ${row.error ?? briefly(row)}`)
      await sleep(REST_MS)
    }
  }
  return rows
}

function briefly({ e2e, accept, fill, drain }: Row): string {
  return Object.entries({ e2e, accept, fill, drain })
    .flatMap(([name, phase]) => (phase === undefined ? [] : [`${name} ${Math.round(phase.perS)}/s`]))
    .join(', ')
}

const rowsOf = (file: string): Row[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

if (values.help) console.log(HELP)
else {
  const rows = values.table === undefined ? await run() : rowsOf(values.table)
  console.log(resultsTable(rows))
  process.exitCode = rows.every(({ error }) => error === undefined) ? 0 : 1
}
