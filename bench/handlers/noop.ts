import type { JobHandler } from '../../services/job/handlers/handler.ts'

/** Does nothing, so that what is measured is Hasty. */
export const handler = {
  type: 'noop',
  run: () => null,
} satisfies Partial<JobHandler>
