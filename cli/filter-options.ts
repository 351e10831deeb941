import { type Command, InvalidArgumentError } from 'commander'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import type { JobFilter } from '../client/index.ts'
import { parseDuration } from './parse.ts'

/** Flags in the form in which commander parses them. */
export interface FilterFlags {
  type?: string
  objectId?: string
  tag?: string
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
  createdAfter: flags.createdAfter,
  createdBefore: flags.createdBefore,
  endedAfter: flags.endedAfter,
  endedBefore: flags.endedBefore,
})

const DAY_ALONE = /^\d{4}-\d\d-\d\d$/

/** @returns RFC 3339 */
function parseTime(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return new Date(new Date().getTime() - parseDuration(text)).toISOString()
  // A date without a time means its midnight, UTC.
  const ms = epochMsOf(DAY_ALONE.test(text) ? `${text}T00:00:00Z` : text)
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      'Give a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22, or 1h for an hour ago.',
    )
  return new Date(ms).toISOString()
}
