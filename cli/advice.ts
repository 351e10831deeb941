import type { Why } from '../client/index.ts'

type Advised = Pick<Why, 'job_id' | 'type' | 'reasons' | 'next'>

/** What to do next about a job, with the command that does it: `Retry it ...: hasty retry ID`. */
export function adviceOf(why: Advised): string {
  const command = commandFor(why)
  return command === null ? why.next.detail : `${why.next.detail.replace(/\.$/, '')}: ${command}`
}

function commandFor({ job_id: jobId, type, reasons, next }: Advised): string | null {
  switch (next.action) {
    case 'retry':
      return next.request_id === undefined ? `hasty retry ${jobId}` : `hasty requests retry ${next.request_id}`
    case 'redrive':
      return `hasty redrive --type ${type}`
    case 'wait':
      if (reasons.some(({ code }) => code === 'paused')) return `hasty types resume ${type}`
      return reasons.some(({ code }) => code === 'no_live_worker') ? null : `hasty watch ${jobId}`
    case 'nothing':
      return null
  }
}
