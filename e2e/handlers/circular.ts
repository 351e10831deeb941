import type { JobContext } from '../../services/job/handlers/handler.ts'

/** Reports what is no JSON. */
export const handler = {
  type: 'circular',
  policy: { max_attempts: 1 },
  run(_payload: unknown, context: JobContext) {
    const data: Record<string, unknown> = {}
    data['itself'] = data
    context.progress(10, 'first')
    context.progress(50, 'round and round', data)
  },
}
