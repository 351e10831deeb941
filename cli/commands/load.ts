import { randomBytes, randomInt } from 'node:crypto'
import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { EXIT } from '../explain-error.ts'
import type { LoadSummary } from '../load/ledger.ts'
import { runLoad } from '../load/run-load.ts'
import { parseJson, parseRate, parseWhole } from '../parse.ts'
import { formatFields } from '../table.ts'

interface Flags {
  clients: number
  rate: number
  duration: number
  settle: number
  type: string
  payload?: unknown
  quiet?: true
}

const RETRY_FOR_MS = 30_000
const LATE_MS = 10_000
/** Longest sleep of a random job. */
const SLEEP_MAX_MS = 1_000

export function defineLoad(command: Command, run: Run): void {
  command
    .option('--clients <count>', 'number of concurrent clients', parseWhole(1, 1_000), 5)
    .option('--rate <number>', 'jobs per second over all clients', parseRate, 10)
    .addOption(durationOption('--duration <duration>', 'how long to create jobs; 0 until Ctrl-C', '30s'))
    .addOption(durationOption('--settle <duration>', 'how long to wait for the last jobs to end', '60s'))
    .option('--type <type>', 'the job type', 'sleep')
    .option('--payload <json>', 'payload of all jobs (default: random data)', parseJson)
    .option('--quiet', 'print no line per job')
    .action(run(load))
}

/** @returns the exit code: 1 when an accepted job did not end, or a job was not accepted */
async function load(context: CommandContext, flags: Flags): Promise<number> {
  const { out, interrupts, signal } = context
  const draining = new AbortController()
  interrupts.drainFirst(() => {
    out.note('No more jobs are created; waiting for the others to end. Press Ctrl-C again to stop.')
    draining.abort()
  })
  const tell = (text: string, record: Record<string, unknown>) => {
    if (flags.quiet) return
    if (out.json) out.record(record)
    else out.line(text)
  }
  const { ledger, elapsedMs } = await runLoad({
    clients: Array.from({ length: flags.clients }, () => context.newClient(RETRY_FOR_MS)),
    ratePerS: flags.rate,
    durationMs: flags.duration === 0 ? Number.POSITIVE_INFINITY : flags.duration,
    settleMs: flags.settle,
    lateMs: LATE_MS,
    type: flags.type,
    payload: () => flags.payload ?? randomPayload(),
    onSubmitted: (jobId) => tell(`submitted task ${jobId}`, { event: 'submitted', job_id: jobId }),
    onEnded: (jobId, { status, at }) =>
      tell(`task ${jobId} terminated on ${at}${status === 'finished' ? '' : ` (${status})`}`, {
        event: 'terminated',
        job_id: jobId,
        status,
        at,
      }),
    onRefused: (error) => out.note(`hasty: ${error.detail}`),
    draining: draining.signal,
    signal,
  })
  const summary = ledger.summary(elapsedMs)
  const isGood = summary.unended.length === 0 && Object.keys(summary.refused).length === 0
  if (out.json) out.record({ event: 'summary', ok: isGood, ...summary })
  else for (const line of describe(summary, isGood)) out.line(line)
  return isGood ? EXIT.ok : EXIT.failed
}

const randomPayload = () => ({
  ms: randomInt(SLEEP_MAX_MS),
  data: { number: randomInt(1_000), text: randomBytes(8).toString('hex') },
})

function describe({ accepted, refused, ended, unended, latency_ms: latency, ...rest }: LoadSummary, isGood: boolean) {
  const codes = Object.entries(refused).map(([code, count]) => `${count} ${code}`)
  const percentiles = latency && Object.entries(latency).map(([name, ms]) => `${name} ${ms} ms`)
  const verdict = [
    `${unended.length} of ${accepted} accepted jobs did not end`,
    ...(codes.length === 0 ? [] : ['some jobs were not accepted']),
  ].join(', ')
  return [
    '',
    ...formatFields([
      ['accepted', `${accepted} (${rest.rate_per_s} a second)`],
      ['not accepted', codes.length === 0 ? '0' : codes.join(', ')],
      [
        'ended',
        Object.entries(ended)
          .map(([status, count]) => `${count} ${status}`)
          .join(', '),
      ],
      ['to their end', percentiles?.join(', ')],
      ['not ended', unended.length === 0 ? null : unended.slice(0, 10).join(' ')],
      ['check', isGood ? 'ok: every accepted job ended' : `FAILED: ${verdict}`],
    ]),
  ]
}
