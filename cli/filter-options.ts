import { type Command, InvalidArgumentError } from 'commander'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import type { JobFilter } from '../client/index.ts'
import { parseDuration, parseWhole } from './parse.ts'

/** Flags in the form in which commander parses them. */
export interface FilterFlags {
  type?: string
  objectId?: string
  tag?: string
  error?: string
  tenant?: string
  worker?: string
  idPrefix?: string
  attemptsMin?: number
  payload?: Record<string, string>
  createdAfter?: string
  createdBefore?: string
  endedAfter?: string
  endedBefore?: string
}

/**
 * Adds the options of all commands that select many jobs.
 * @param withEnd whether jobs that have ended are among them
 */
export function addFilterOptions(command: Command, { withEnd } = { withEnd: true }): Command {
  command
    .option('--type <type>', 'only this job type')
    .option('--object-id <id>', 'only jobs about this object')
    .option('--tag <tag>', 'only jobs with this tag')
    .option('--error <fingerprint>', 'only jobs that have this error now: see `hasty errors`')
    .option('--tenant <name>', "only this tenant's jobs")
    .option('--worker <id>', 'only jobs of which an attempt ran on this worker')
    .option('--id-prefix <text>', 'only jobs whose id begins so')
    .option('--attempts-min <count>', 'only jobs that had at least so many attempts', parseWhole(1, 1_000))
    .option(
      '--payload <pointer=value>',
      'only jobs whose payload has this value there, such as /customer/id=42; may be repeated',
      addCondition,
    )
    .option('--created-after <time>', 'earliest creation time: 2026-11-22T08:00:00Z, or 1h for an hour ago', parseTime)
    .option('--created-before <time>', 'latest creation time, exclusive', parseTime)
  if (!withEnd) return command
  return command
    .option('--ended-after <time>', 'earliest time of the end', parseTime)
    .option('--ended-before <time>', 'latest time of the end, exclusive', parseTime)
}

export const toFilter = (flags: FilterFlags): JobFilter => ({
  type: flags.type,
  objectId: flags.objectId,
  tag: flags.tag,
  error: flags.error,
  tenant: flags.tenant,
  worker: flags.worker,
  idPrefix: flags.idPrefix,
  attemptsMin: flags.attemptsMin,
  payload: flags.payload,
  createdAfter: flags.createdAfter,
  createdBefore: flags.createdBefore,
  endedAfter: flags.endedAfter,
  endedBefore: flags.endedBefore,
})

const DAY_ALONE = /^\d{4}-\d\d-\d\d$/

/** Adds one condition of the payload to those before. */
function addCondition(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [pointer = '', ...value] = text.split('=')
  if (value.length === 0 || (pointer !== '' && !pointer.startsWith('/')))
    throw new InvalidArgumentError('Give a JSON pointer and a value, such as /customer/id=42.')
  return { ...before, [pointer]: value.join('=') }
}

/** @returns RFC 3339 */
export function parseTime(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return new Date(new Date().getTime() - parseDuration(text)).toISOString()
  // A date without a time means its midnight, UTC.
  const ms = epochMsOf(DAY_ALONE.test(text) ? `${text}T00:00:00Z` : text)
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      'Give a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22, or 1h for an hour ago.',
    )
  return new Date(ms).toISOString()
}
