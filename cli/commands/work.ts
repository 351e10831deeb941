import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Command } from 'commander'
import { decodeUtf8 } from '#shared/formats/plain-text.ts'
import { refusedResult, runWorker, type WorkContext, WorkFailed } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { UsageError } from '../explain-error.ts'
import { checkCommand } from '../find-command.ts'
import { onceNpmIsGone } from '../npm-parent.ts'
import { changeByParsing, parseWhole } from '../parse.ts'

interface Flags {
  concurrency: number
  lease: number
  drain: number
}

const RETRY_FOR_MS = 30_000
/** A command's output beyond this is not kept. */
const OUTPUT_MAX_BYTES = 512 * 1024
const ERROR_MAX_LENGTH = 2_000
/** Time from SIGTERM to SIGKILL. */
const KILL_AFTER_MS = 5_000
/** The exit code for wrong input in sysexits.h: another attempt cannot help. */
const EX_DATAERR = 65

/** A worker in any language: a command that reads its payload from stdin and prints its result. */
export function defineWork(command: Command, run: Run): void {
  command
    .argument('<type>', 'a job type with the runner http')
    .argument('<command...>', 'command and arguments, after --')
    .option('--concurrency <count>', 'jobs at once', parseWhole(1, 100), 1)
    .addOption(durationOption('--lease <duration>', 'how long a job belongs to a worker that is silent', '10s'))
    .addOption(durationOption('--drain <duration>', 'how long running jobs may go on after Ctrl-C', '10s'))
    .addHelpText(
      'after',
      '\nThe payload comes as JSON on stdin. What the command prints is the result: JSON if it is JSON, else a text.' +
        '\nExit code 0: the job has finished; 65: it has failed for good; any other: it is tried again while it has' +
        '\nattempts left. The last lines of stderr are the error. On a cancel the command gets SIGTERM.' +
        '\nIt finds HASTY_JOB_ID, HASTY_OBJECT_ID, HASTY_TYPE, HASTY_ATTEMPT and HASTY_FENCING_TOKEN in its environment.' +
        '\n\nExample:\n  hasty types register resize\n  hasty work resize --concurrency 4 -- ./resize.sh',
    )
    .action(run(claimAndRun))
}

async function claimAndRun(context: CommandContext, type: string, words: string[], flags: Flags): Promise<void> {
  const { out, interrupts, signal } = context
  const [program, ...args] = words
  if (program === undefined) throw new UsageError('Give the command to run after --.')
  checkCommand(program, context.env['PATH'])
  const draining = new AbortController()
  onceNpmIsGone(context.env, () => {
    out.note('npm, which started this worker, has gone. No more jobs are claimed; waiting for those that run.')
    draining.abort()
  })
  interrupts.drainFirst(() => {
    out.note('No more jobs are claimed; waiting for those that run. Press Ctrl-C again to stop.')
    draining.abort()
  })
  const client = context.newClient(RETRY_FOR_MS)
  const workerId = `${hostname().replaceAll(/[^A-Za-z0-9-]/g, '-')}-${process.pid}-${randomBytes(3).toString('hex')}`
  const working = runWorker(
    client.work,
    {
      workerId,
      types: [type],
      concurrency: flags.concurrency,
      leaseS: Math.min(3_600, Math.max(5, Math.round(flags.lease / 1_000))),
      drainMs: flags.drain,
      about: { host: hostname().slice(0, 200), pid: process.pid, version: `hasty-cli/${context.version}` },
      run: async (given) => resultOf(await runCommand(program, args, given, context.env)),
      onReady: () => out.note(`worker ${workerId} claims jobs of the type ${type}`),
      onEnd(job, status) {
        if (out.json) out.record({ job_id: job.job_id, attempt: job.attempt, status })
        else out.line(`${job.job_id} ${status}${job.attempt === 1 ? '' : ` (attempt ${job.attempt})`}`)
      },
      onError: (error) => out.note(`hasty: ${error instanceof Error ? error.message : String(error)}`),
    },
    AbortSignal.any([draining.signal, signal]),
  )
  await working
  signal.throwIfAborted()
}

interface Ended {
  code: number | null
  killedBy: NodeJS.Signals | null
  stdout: Collected
  stderr: Collected
}

/** @throws WorkFailed for a command that does not start */
function runCommand(
  program: string,
  args: string[],
  { job, signal }: WorkContext,
  env: CommandContext['env'],
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // In a group of its own: a Ctrl-C at the terminal is not for it, and its own children end with it.
    const child = spawn(program, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...env,
        HASTY_JOB_ID: job.job_id,
        HASTY_OBJECT_ID: job.object_id,
        HASTY_TYPE: job.type,
        HASTY_ATTEMPT: String(job.attempt),
        HASTY_FENCING_TOKEN: String(job.fencing_token),
      },
    })
    const [stdout, stderr] = [new Collected(OUTPUT_MAX_BYTES), new Collected(OUTPUT_MAX_BYTES)]
    let killing: NodeJS.Timeout | undefined
    const stop = () => {
      signalGroup(child.pid, 'SIGTERM')
      killing = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
    }
    signal.addEventListener('abort', stop, { once: true })
    const settle = () => {
      signal.removeEventListener('abort', stop)
      clearTimeout(killing)
    }
    child.on('error', (error) => {
      settle()
      reject(new WorkFailed({ name: 'CommandNotStarted', message: error.message }))
    })
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk))
    // A command that does not read its input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(job.payload))
    child.on('close', (code, killedBy) => {
      settle()
      resolve({ code, killedBy, stdout, stderr })
    })
  })
}

/** @throws WorkFailed where the command ended with another exit code than 0, or its result would not be stored as it is */
function resultOf({ code, killedBy, stdout, stderr }: Ended): unknown {
  if (code !== 0) throw failureOf(code, killedBy, stderr.bytes().toString())
  if (stdout.isCut) throw tooMuch()
  const text = textOf(stdout.bytes()).trim()
  if (text === '') return null
  const value = valueOf(text)
  if (value === undefined) return text
  const change = changeByParsing(text)
  if (change !== null) throw refused(change.code, `${change.pointer || 'it'} ${change.detail}`)
  return value
}

function signalGroup(leader: number | undefined, name: NodeJS.Signals): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, name)
  } catch {
    // All of the group have ended.
  }
}

/** The beginning of a stream; the rest is read and thrown away. */
class Collected {
  readonly #max: number
  readonly #chunks: Buffer[] = []
  #length = 0
  isCut = false

  constructor(max: number) {
    this.#max = max
  }

  add(chunk: Buffer): void {
    const room = this.#max - this.#length
    if (chunk.length > room) this.isCut = true
    if (room <= 0) return
    this.#chunks.push(chunk.subarray(0, room))
    this.#length += Math.min(room, chunk.length)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

const tooMuch = () =>
  new WorkFailed({ name: 'ResultTooLarge', message: `the command printed more than ${OUTPUT_MAX_BYTES} bytes` }, false)

function textOf(printed: Buffer): string {
  try {
    return decodeUtf8(printed)
  } catch {
    throw refused('invalid-unicode', 'it is not UTF-8; print bytes as base64')
  }
}

/** undefined: it is not JSON. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function refused(code: string, detail: string): WorkFailed {
  const { error, retry } = refusedResult(code, detail)
  return new WorkFailed(error, retry)
}

function failureOf(code: number | null, killedBy: NodeJS.Signals | null, stderr: string): WorkFailed {
  const how = code === null ? `was ended by ${killedBy}` : `ended with exit code ${code}`
  const message = stderr.trim().slice(-ERROR_MAX_LENGTH) || `the command ${how}`
  return new WorkFailed(
    { name: 'CommandFailed', message, code: String(code ?? killedBy) },
    code === EX_DATAERR ? false : undefined,
  )
}
