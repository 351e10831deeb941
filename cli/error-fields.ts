import type { JobView } from '../client/index.ts'

/** An error and its causes, outermost first, as names and texts. */
export function errorFields(error: JobView['error']): [string, string][] {
  if (error === null) return []
  const causes = (error.causes ?? []).map(({ name, message }): [string, string] => [
    'caused by',
    message === '' ? name : `${name}: ${message}`,
  ])
  return [['error', error.message || error.name], ...causes]
}
