import type { JobView } from '#shared/client/index.ts'
import type { Output } from './output.ts'

const colours = {
  scheduled: 'cyan',
  processing: 'yellow',
  finished: 'green',
  cancelled: 'magenta',
  failed: 'red',
} as const satisfies Record<JobView['status'], string>

/** The word says it; the colour only helps to find it. */
export const paintStatus = (out: Pick<Output, 'paint'>, status: JobView['status'], text: string = status): string =>
  out.paint(colours[status], text)
