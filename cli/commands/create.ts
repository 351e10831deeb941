import { type Command, Option } from 'commander'
import { type JobView, WaitTimeout } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { endedBadly } from '../ended-badly.ts'
import { EXIT, UsageError } from '../explain-error.ts'
import { parseJson, parseWhole } from '../parse.ts'
import { readJsonFile } from '../read-text.ts'

interface Flags {
  payloadFile?: string
  objectId?: string
  tag?: string[]
  priority?: JobView['priority']
  attempts?: number
  timeout?: number
  delay?: number
  runAt?: string
  callbackUrl?: string
  idempotencyKey?: string
  wait?: number
}

export function defineCreate(command: Command, run: Run): void {
  command
    .argument('<type>', 'the job type')
    .argument('[payload]', 'payload as JSON; - reads stdin')
    .option('--payload-file <file>', 'file with the payload; - reads stdin')
    .option('--object-id <id>', 'what the job is about (default: a random id)')
    .option('--tag <tag>', 'word to find the job by, as in customer:42; repeat it for several', collect)
    .addOption(new Option('--priority <priority>', 'priority of the job').choices(['high', 'normal', 'low']))
    .option('--attempts <count>', 'total number of attempts', parseWhole(1, 100))
    .addOption(durationOption('--timeout <duration>', 'time limit of an attempt'))
    .addOption(durationOption('--delay <duration>', 'delay before the job may start'))
    .option('--run-at <time>', 'when the job may start, such as 2026-12-24T18:00:00Z')
    .option('--callback-url <url>', 'URL to send a webhook to when the job ends')
    .option('--idempotency-key <key>', 'repeating a key returns the same job')
    .addOption(durationOption('--wait <duration>', 'how long to wait for the end'))
    .addHelpText('after', `\nExample:\n  hasty create sleep '{"ms": 500}' --wait 10s`)
    .action(
      run(async (context, type: string, payload: string | undefined, flags: Flags) => {
        const { client, out, signal } = context
        const { timeout: timeoutMs, delay: delayMs, wait: waitMs, payloadFile: _, tag: tags, ...options } = flags
        const sent = await readPayload(context, payload, flags)
        const accepted = await client.create(type, sent, { ...options, tags, timeoutMs, delayMs, signal })
        if (waitMs !== undefined) return showEnd(context, accepted.job_id, waitMs)
        if (out.json) out.record(accepted)
        else out.line(accepted.job_id)
      }),
    )
}

const collect = (value: string, values: string[] = []): string[] => [...values, value]

async function readPayload(context: CommandContext, text: string | undefined, { payloadFile }: Flags) {
  if (payloadFile !== undefined && text !== undefined) {
    throw new UsageError('The payload was given twice; leave out either the argument or --payload-file.')
  }
  const file = text === '-' ? '-' : payloadFile
  if (file !== undefined) return readJsonFile(context, file, '--payload-file')
  return text === undefined ? undefined : toPayload(text)
}

function toPayload(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new UsageError(`The payload cannot be read. ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
}

/** Waits for the end and shows it. @returns the exit code */
async function showEnd(context: CommandContext, jobId: string, waitMs: number): Promise<number> {
  const { client, out, signal } = context
  const job = await client.wait(jobId, { waitMs, signal }).catch((error: unknown) => {
    // After a timeout the caller still needs the id.
    if (error instanceof WaitTimeout) out.line(out.json ? JSON.stringify(error.job) : jobId)
    throw error
  })
  if (out.json) out.record(job)
  else if (job.status === 'finished') out.line(JSON.stringify(job.result))
  else throw await endedBadly(context, job)
  return job.status === 'finished' ? EXIT.ok : EXIT.failed
}
