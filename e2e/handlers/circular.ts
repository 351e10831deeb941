import type { Context } from 'hasty/handler'

/** Reports what is no JSON. */
export const handler = {
  type: 'circular',
  policy: { max_attempts: 1 },
  run(_payload: unknown, context: Context) {
    const data: Record<string, unknown> = {}
    data['itself'] = data
    context.progress(10, 'first')
    context.progress(50, 'round and round', data)
  },
}
