// See HELP. Exit code: 0 when every run was measured.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compare, summary } from './compare.ts'
import { problemsOf } from './peers/figures.ts'
import { measurePeers } from './peers/measure-peers.ts'
import { type PeerName, PHASES } from './peers/peers.ts'
import { readPhases, readSettings, SETTINGS_HELP } from './peers/run-options.ts'
import type { Row } from './peers/run-peer.ts'

const BASELINE = join(import.meta.dirname, '../.cache/bench/baseline.json')

const HELP = `npm run bench [-- OPTIONS]: measures Hasty alone, and bare Koa as a sign of how fast the machine is at the moment, and
compares with the baseline of this machine, .cache/bench/baseline.json. The first run makes the baseline. Takes about
15 minutes. Needs Go, and wrk or apt.

  --save           this run becomes the baseline, after it was compared with the one before
  --always         Hasty over a broker that always syncs as well
  --repeats N      3: interleaved; the median counts
  --quick          small numbers and two repeats: some minutes
  --phases LIST    ${PHASES.join(',')}
  --set NAME=N     a number of the run; several are fine:
${SETTINGS_HELP}`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    always: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    repeats: { type: 'string' },
    phases: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
})

/** @returns null: there is no baseline yet */
function readBaseline(): Row[] | null {
  try {
    return JSON.parse(readFileSync(BASELINE, 'utf8')) as Row[]
  } catch {
    return null
  }
}

function save(rows: readonly Row[]): void {
  mkdirSync(dirname(BASELINE), { recursive: true })
  writeFileSync(BASELINE, JSON.stringify(rows, null, 1))
  console.log(`\nThis run is the baseline now: ${BASELINE}`)
}

/** Runs of other sizes, or on another machine, say nothing about each other. */
const conditionsOf = (rows: readonly Row[]): string => JSON.stringify([rows[0]?.machine, rows[0]?.settings])

async function main(): Promise<void> {
  const names: PeerName[] = ['bare-koa', 'hasty', ...(values.always ? (['hasty-always'] as const) : [])]
  const options = { phases: readPhases(values.phases), settings: readSettings(values.set, values.quick) }
  const baseline = readBaseline()
  const rows = await measurePeers(names, Number(values.repeats ?? (values.quick ? 2 : 3)), options)
  if (baseline === null) console.log(summary(rows))
  else if (conditionsOf(baseline) === conditionsOf(rows)) console.log(compare(baseline, rows))
  else {
    console.log(summary(rows))
    console.log(
      '\nNot compared: the baseline is of another machine, or was measured with other numbers (--set, --quick).',
    )
  }
  const problems = problemsOf(rows)
  if (problems.length > 0) console.log(['\nNot clean:', ...problems].join('\n'))
  const isMeasured = rows.every(({ error }) => error === undefined)
  if (isMeasured && (values.save || baseline === null)) save(rows)
  process.exitCode = isMeasured ? 0 : 1
}

if (values.help) console.log(HELP)
else await main()
