import type { JobView, RequestView } from '../client/index.ts'
import type { Output } from './output.ts'

type Shown = JobView['status'] | RequestView['status']

const colours = {
  scheduled: 'cyan',
  processing: 'yellow',
  finished: 'green',
  cancelled: 'magenta',
  failed: 'red',
  queuing: 'cyan',
  inprogress: 'yellow',
  completed: 'green',
} as const satisfies Record<Shown, string>

/** The status in its colour, which only helps to find it: the word says everything. */
export const paintStatus = (out: Pick<Output, 'paint'>, status: Shown, text: string = status): string =>
  out.paint(colours[status], text)
