import type { CommandContext } from './command-context.ts'
import { UsageError } from './explain-error.ts'
import { noteAge, type StoreAge } from './note-age.ts'
import { typeHint } from './type-hint.ts'

/** What an answer about many jobs says, summed up over all answers. */
export interface Sum {
  matched: number
  changed: number
  skipped: number
}

export interface ManyJobs {
  /** As in `Retry 3 failed jobs?`. */
  verb: string
  /** As in `3 jobs retried`. */
  done: string
  /** `failed`, or nothing. */
  status: string
  /** The type of the filter. */
  type?: string | undefined
  dryRun?: true
  /** Nobody need be asked. */
  yes?: true
  /** Calls the server until no job is left. */
  run(isDry: boolean, onAnswer: (answer: Sum & StoreAge) => void): Promise<void>
}

/**
 * Changes all jobs of a filter: asks first, then says how many were changed.
 * @throws UsageError when nobody can be asked, or the answer is no
 */
export async function changeMany(context: CommandContext, jobs: ManyJobs): Promise<void> {
  const { out } = context
  const isDry = jobs.dryRun ?? false
  const asksFirst = !isDry && !jobs.yes
  if (asksFirst) await askFirst(context, jobs)
  const { age, ...sum } = await sumUp(context, jobs, isDry)
  // Who was asked was told before, when it mattered.
  if (!asksFirst) noteAge(out, age)
  if (out.json) out.record({ dry_run: isDry, matched: sum.matched, [jobs.done]: sum.changed, skipped: sum.skipped })
  else if (isDry) out.line(`${count(sum.matched)} would be ${jobs.done}`)
  else {
    const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped because they had changed` : ''
    out.line(`${count(sum.changed)} ${jobs.done}${skipped}`)
  }
  const hint = sum.matched === 0 && !out.json ? await typeHint(context, jobs.type) : ''
  if (hint !== '') out.note(hint)
}

async function sumUp({ out }: CommandContext, jobs: ManyJobs, isDry: boolean): Promise<Sum & { age?: StoreAge }> {
  const sum: Sum & { age?: StoreAge } = { matched: 0, changed: 0, skipped: 0 }
  await jobs.run(isDry, (answer) => {
    sum.age ??= answer
    sum.matched += answer.matched
    sum.changed += answer.changed
    sum.skipped += answer.skipped
    out.status(`${sum.matched} jobs ...`)
  })
  return sum
}

async function askFirst(context: CommandContext, jobs: ManyJobs): Promise<void> {
  if (context.ask === null)
    throw new UsageError('There is no terminal to confirm at; pass --yes, or --dry-run to see how many jobs match.')
  const { matched, age } = await sumUp(context, jobs, true)
  context.out.status('')
  noteAge(context.out, age)
  const which = `${matched} ${jobs.status === '' ? '' : `${jobs.status} `}${matched === 1 ? 'job' : 'jobs'}`
  const answer = await context.ask(`${jobs.verb} ${which}? [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError(`No job was ${jobs.done}.`)
}

const count = (jobs: number): string => `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`
