import type { PeerName } from './peers.ts'
import { peersTable, resultsTable } from './results-table.ts'
import type { Row } from './run-peer.ts'

/** bench/RESULTS.md, whole. */
export function resultsPage(rows: readonly Row[]): string {
  const days = [...new Set(rows.map(({ at }) => at.slice(0, 10)))]
  const machines = [...new Set(rows.map(({ machine }) => machine))]
  const versions = Object.entries(Object.assign({}, ...rows.map((row) => row.versions)) as Row['versions'])
  const names = [...new Set(rows.map(({ peer }) => peer))] satisfies PeerName[]
  const settings = rows[0]?.settings
  return `# Benchmark results

Written by \`npm run bench:peers\` from its results; change the program, not this file. What the phases are, and how to
run them again: [What a job costs](../docs/performance.md#how-it-is-measured).

- Measured on ${days.join(', ')}: ${machines.join('; ')}.
- ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.
- Repeats, interleaved: ${repeatsInWords(rows, names)}. Medians, and in brackets the range. ${settings === undefined ? '' : settingsInWords(settings)}
- Load, services and store share the cores: compare the rows with each other, not with another machine.

Hasty has one api, one keeper and one job service with 200 slots, and SQLite; every other peer has one api process in
front of its queue and one worker process with 50 slots (pg-boss: two batches of 500). When the power fails, "sync 10 ms"
may by its setting lose the last 10 ms, "AOF everysec" the last second, the floor two minutes; "always" and PostgreSQL
nothing that was answered 201. A peer that keeps less of a job does less for it:

${peersTable(names)}

${resultsTable(rows)}
`
}

/** The number of repeats, and those of peers that have fewer, because the run was ended early. */
function repeatsInWords(rows: readonly Row[], names: readonly PeerName[]): string {
  const counts = names.map((name) => ({ name, count: rows.filter(({ peer }) => peer === name).length }))
  const most = Math.max(...counts.map(({ count }) => count))
  const fewer = counts.filter(({ count }) => count < most)
  return [most, ...fewer.map(({ name, count }) => `${count} of ${name}`)].join(', ')
}

const settingsInWords = ({ jobs, backlog, requests, messages, connections }: Row['settings']): string =>
  `${jobs.toLocaleString('en')} jobs from POST to handler, a backlog of ${backlog.toLocaleString('en')}, ` +
  `${requests} requests, ${messages.toLocaleString('en')} messages, ${connections} connections.`
