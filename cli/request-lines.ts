import type { RequestView } from '../client/index.ts'

type StepJob = RequestView['steps'][number]['jobs'][number]
type UndoneJob = RequestView['undone'][number]

/** `ID is completed`, with the round of a request that was retried. */
export const headLine = ({ request_id: id, round }: RequestView, status: string): string =>
  `${id} is ${status}${round === 1 ? '' : `, round ${round}`}`

/** Each step, and below it its jobs, each with its whole story on one line. */
export const stepLines = ({ steps, undone, round }: RequestView): string[] =>
  steps.flatMap((step) => [
    `  ${step.name}: ${step.status}`,
    ...step.jobs.map((job) => {
      const undos = undone.filter((undo) => undo.step === step.name && undo.name === job.name)
      const about = [job.job_id ?? '', attemptsOf(job, round), job.error?.message ?? '']
      return [`    ${job.name}: ${storyOf(job, undos, round)}`, ...about.filter((text) => text !== '')].join('  ')
    }),
  ])

/** `completed in round 2 (undone in round 1)`: a job may be undone, and done again, in every round. */
function storyOf(job: StepJob, undos: UndoneJob[], round: number): string {
  const inRound = (its: number | null) => (round === 1 || its === null ? '' : ` in round ${its}`)
  const parts = undos.map((undo) => `${UNDO[undo.status]}${inRound(undo.round)}${whyUndoFailed(undo)}`)
  return `${job.status}${inRound(job.round)}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

const UNDO: Record<UndoneJob['status'], string> = {
  new: 'to be undone',
  inprogress: 'being undone',
  retry: 'being undone',
  completed: 'undone',
  failure: 'undo failed',
  cancelled: 'undo cancelled',
  skipped: 'not undone',
}

/** The job is named too: what it left has to be undone by hand. */
const whyUndoFailed = ({ status, error, job_id: jobId }: UndoneJob): string =>
  status === 'failure' ? `: ${error?.message ?? 'no message'}, job ${jobId ?? 'unknown'}` : ''

/** `2 attempts in round 1, 1 in round 2`; each round counts from 1 again. Empty where one says nothing. */
function attemptsOf({ attempts }: StepJob, round: number): string {
  if (attempts.length < 2) return ''
  if (round === 1) return `${attempts.length} attempts`
  const counts = new Map<number | undefined, number>()
  for (const { round: its } of attempts) counts.set(its, (counts.get(its) ?? 0) + 1)
  return [...counts]
    .map(([its, count], n) => {
      const where = its === undefined ? 'an earlier round' : `round ${its}`
      return `${count}${n > 0 ? '' : ` ${count === 1 ? 'attempt' : 'attempts'}`} in ${where}`
    })
    .join(', ')
}
