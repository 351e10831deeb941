// See HELP. Exit code: 0 when every run was measured.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measurePeers } from './measure-peers.ts'
import { type PeerName, PHASES, peers } from './peers.ts'
import { resultsPage } from './results-page.ts'
import { resultsTable } from './results-table.ts'
import { readPhases, readSettings, SETTINGS_HELP } from './run-options.ts'
import type { Row } from './run-peer.ts'

const NAMES = Object.keys(peers) as PeerName[]
const PAGE = join(import.meta.dirname, '../RESULTS.md')

const HELP = `npm run bench:peers [-- PEER ... OPTIONS]: the same job service built on several queues, under the same load, and
Hasty beside them; the repeats are interleaved. A run of everything takes about an hour and writes bench/RESULTS.md.
Needs npm, Go and apt.

  --quick          Hasty and BullMQ, one repeat of the phases e2e, accept and rate with small numbers: about two minutes
  --repeats N      3
  --phases LIST    ${PHASES.join(',')}
  --set NAME=N     a number of the run; several are fine:
${SETTINGS_HELP}
  --table FILE     only print the tables of an earlier run (a file of results/ beside this script)
  --write          write bench/RESULTS.md also when something was left out, or from --table

peers: ${NAMES.join(' ')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    repeats: { type: 'string' },
    phases: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    table: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

const isPeer = (name: string): name is PeerName => (NAMES as string[]).includes(name)

function chosenPeers(): PeerName[] {
  const unknown = positionals.filter((name) => !isPeer(name))
  if (unknown.length > 0) throw new Error(`There is no peer ${unknown.join(', ')}. Choose from: ${NAMES.join(' ')}`)
  if (positionals.length > 0) return positionals.filter(isPeer)
  return values.quick ? ['hasty', 'bullmq'] : NAMES
}

async function run(): Promise<Row[]> {
  const phases = readPhases(values.phases ?? (values.quick ? 'e2e,accept,rate' : undefined))
  const settings = readSettings(values.set, values.quick)
  const dir = join(import.meta.dirname, 'results')
  mkdirSync(dir, { recursive: true })
  const file = join(dir, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.jsonl`)
  console.error(`Writing ${file}`)
  return measurePeers(chosenPeers(), Number(values.repeats ?? (values.quick ? 1 : 3)), { phases, settings }, (row) =>
    appendFileSync(file, `${JSON.stringify(row)}\n`),
  )
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
  const isWhole = positionals.length + values.set.length === 0 && !values.quick && values.phases === undefined
  if (values.write || (isWhole && values.table === undefined)) writeFileSync(PAGE, resultsPage(rows))
  process.exitCode = rows.every(({ error }) => error === undefined) ? 0 : 1
}
