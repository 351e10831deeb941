// Not the whole client, which help does without.
import { HastyError, RequestWaitTimeout, WaitTimeout } from '../client/errors.ts'
import { Interrupted } from './interrupts.ts'

/** Exit codes, documented in docs/how-to/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unauthorised: 5,
  rateLimited: 6,
  unreachable: 7,
  waitTimeout: 124,
  interrupted: 130,
} as const

/** The command line makes no sense; the message says what would. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The job of the command failed or was cancelled; the message says why, and what to do next. */
export class EndedBadly extends Error {
  override name = 'EndedBadly'
  readonly status: string

  constructor(status: string, message: string) {
    super(message)
    this.status = status
  }
}

export interface Explanation {
  exitCode: number
  /** For machines. */
  code: string
  /** The fault and the next step, on one line. */
  sentence: string
}

/** Any error, as a person should read it. */
export function explainError(error: unknown, url: string): Explanation {
  if (error instanceof HastyError) return explainAnswer(error, url)
  if (error instanceof UsageError) return { exitCode: EXIT.usage, code: 'usage', sentence: error.message }
  if (error instanceof Interrupted) return { exitCode: EXIT.interrupted, code: 'interrupted', sentence: 'Interrupted.' }
  if (error instanceof EndedBadly) {
    return { exitCode: EXIT.failed, code: `job-${error.status}`, sentence: error.message }
  }
  if (error instanceof WaitTimeout) {
    const next = `It continues; follow it with: hasty watch ${error.job.job_id}`
    return { exitCode: EXIT.waitTimeout, code: 'wait-timeout', sentence: `${error.message}. ${next}` }
  }
  if (error instanceof RequestWaitTimeout) {
    const next = `It continues; see it with: hasty requests get ${error.request.request_id}`
    return { exitCode: EXIT.waitTimeout, code: 'wait-timeout', sentence: `${error.message}. ${next}` }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { exitCode: EXIT.failed, code: 'internal', sentence: `Something went wrong: ${message}` }
}

function explainAnswer(error: HastyError, url: string): Explanation {
  const { code, problem } = error
  const requestId = problem?.request_id === undefined ? '' : ` (HTTP request ${problem.request_id})`
  const next = nextStep(error, url)
  const sentence = `${error.detail.replace(/\.?$/, '')}${requestId}.${next === '' ? '' : ` ${next}`}`
  return { exitCode: exitCodeOf(error), code, sentence }
}

function exitCodeOf({ status, code }: HastyError): number {
  if (code === 'unreachable' || status === 502 || status === 503 || status === 504) return EXIT.unreachable
  if (status === 401 || status === 403) return EXIT.unauthorised
  if (status === 404) return EXIT.notFound
  if (status === 409 || status === 412 || code === 'key-reused') return EXIT.conflict
  if (status === 429) return EXIT.rateLimited
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.failed
}

function nextStep({ status, code, problem, retryAfterMs }: HastyError, url: string): string {
  const jobId = problem?.['existing_job_id']
  if (code === 'unreachable') return `Start Hasty, or give its address with --url or HASTY_URL.`
  if (code === 'unexpected-answer') return `Check the address ${url} (--url, HASTY_URL).`
  if (code === 'cooldown') {
    return typeof jobId === 'string' ? `See that job with: hasty get ${jobId}` : 'Use a different --object-id, or wait.'
  }
  if (code === 'job-not-found') return 'List jobs with: hasty list'
  if (code === 'request-not-found') return 'List requests with: hasty requests list'
  if (code === 'definition-not-found') return 'List definitions with: hasty definitions list'
  if (code === 'schedule-not-found') return 'List schedules with: hasty schedules list'
  if (code === 'worker-not-found') return 'List workers with: hasty workers --all'
  if (code === 'unknown-type' && status === 404) return 'List job types with: hasty types list'
  if (code === 'wrong-state') return `See its current state with: hasty ${showing(problem ?? {})}`
  if (code === 'invalid-client') return 'Check HASTY_CLIENT_ID and HASTY_CLIENT_SECRET.'
  if (status === 401 || status === 403) {
    return 'Give a token with the required scope: HASTY_TOKEN, --token-file, or HASTY_CLIENT_ID and HASTY_CLIENT_SECRET.'
  }
  if (status === 429 || status === 503) return `Try again in ${Math.ceil((retryAfterMs ?? 1000) / 1000)} s.`
  return ''
}

/** The end of the command line that shows the subject of a problem. */
function showing({ job, request }: Record<string, unknown>): string {
  const id = (request as { request_id?: string } | undefined)?.request_id
  return id === undefined ? `get ${(job as { job_id?: string } | undefined)?.job_id ?? 'ID'}` : `requests get ${id}`
}

/** An error on one line of stderr, for people or for machines. */
export const errorLine = ({ code, exitCode, sentence }: Explanation, json: boolean): string =>
  json ? JSON.stringify({ error: { code, message: sentence, exit_code: exitCode } }) : `hasty: ${sentence}`
