import { readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { startHasty } from '../e2e/support/hasty.ts'
import { findNatsServer } from '../scripts/servers/find-nats-server.ts'
import { hasWrk } from './http-load.ts'
import { bareKoa, drainBacklog, getJobs, memory, ourPost, pickUpLatency, postToFinished, warmUp } from './scenarios.ts'

// `npm run bench`: every scenario three times, interleaved, so that a drift of the machine affects all of them.

const ROUNDS = Number(process.argv[2] ?? 3)
const BACKLOG = 100_000
const MODES = ['10ms', 'always'] as const

const figures = new Map<string, number[]>()
function note(name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), value])
  process.stdout.write(`${name}: ${round(value)}\n`)
}

if (!hasWrk()) {
  process.stderr.write('The benchmark needs wrk on PATH (Debian: apt-get install wrk).\n')
  process.exit(1)
}
process.env['NATS_SERVER_BIN'] = (await findNatsServer()).path

for (let i = 0; i < ROUNDS; i++) {
  for (const mode of MODES) {
    await using hasty = await startHasty({
      natsSync: mode,
      env: {
        LOG_LEVEL: 'warn',
        JOB_SLOTS: '200',
        HANDLERS_DIR: join(import.meta.dirname, 'handlers'),
        NATS_GROUP_COMMIT: String(mode === 'always'),
      },
    })
    const bare = await bareKoa()
    note('(a) bare Koa, requests/s', bare.requestsPerS)
    await warmUp(hasty)
    const ours = await ourPost(hasty)
    if (ours.failed > 0) throw new Error(`${ours.failed} of our POSTs failed`)
    note(`(b) POST, sync ${mode}, requests/s`, ours.requestsPerS)
    note(`(b) POST, sync ${mode}, share of (a)`, ours.requestsPerS / bare.requestsPerS)
    note(`(b) POST, sync ${mode}, p99 ms`, ours.p99)
    note(`(c) POST to finished, sync ${mode}, jobs/s`, await postToFinished(hasty))
    if (mode !== '10ms') continue
    const latency = await pickUpLatency(hasty, 100, 10)
    note('(d) pick-up at 100 jobs/s, p50 ms', latency.p50)
    note('(d) pick-up at 100 jobs/s, p99 ms', latency.p99)
    note('(e) GET, requests/s', (await getJobs(hasty)).requestsPerS)
    note('(f) drain of 100,000 jobs, jobs/s', await drainBacklog(hasty, BACKLOG))
    for (const [name, mib] of Object.entries(await memory(hasty))) note(`(g) RSS of ${name} after the drain, MiB`, mib)
  }
}

const rows = [...figures].map(([name, values]) => {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return `| ${name} | ${round(median)} | ${round(sorted[0] ?? Number.NaN)} - ${round(sorted.at(-1) ?? Number.NaN)} |`
})
// Everything after this mark in the results file is written by hand.
const HAND = '<!-- What follows is written by hand, and stays when the table is made anew. -->'
const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GiB, ${process.platform}, Node ${process.versions.node}`
const report = [
  '# Benchmark results',
  '',
  `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. Machine: ${machine}; client, services and broker share it.`,
  `${ROUNDS} rounds, interleaved; one api, one job service with 200 slots, SQLite, LOG_LEVEL=warn, 64 connections, after a warm-up of 4 s. Median and min - max.`,
  '',
  '| what | median | min - max |',
  '| --- | --- | --- |',
  ...rows,
  '',
].join('\n')
const file = join(import.meta.dirname, 'RESULTS.md')
const byHand = (await readFile(file, 'utf8')).split(HAND)[1] ?? ''
await writeFile(file, `${report}\n${HAND}${byHand}`)
process.stdout.write(`\n${report}`)

function round(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(2)
}
