import { getFrom } from '../support/call.ts'
import type { ComposeProject } from './compose-project.ts'

/**
 * The replicas, by address, that answered the latest requests to a path through nginx. A new replica counts from the
 * moment nginx has seen it in DNS, a second or two after its container started: before that, the death of the only one
 * that nginx knows is a 502.
 */
export async function knownToNginx(hasty: ComposeProject, path: string): Promise<Set<string>> {
  for (let n = 0; n < REQUESTS; n++) await getFrom(`${hasty.url}${path}`)
  const log = await hasty.compose('logs', '--no-log-prefix', '--tail', String(2 * REQUESTS), 'nginx')
  const lines = log.split('\n').filter((line) => line.startsWith('{'))
  const requests = lines.map((line) => JSON.parse(line) as { uri: string; upstream: string; upstream_status: string })
  const answered = requests.filter((request) => request.uri === path && request.upstream_status === '200')
  return new Set(answered.map(({ upstream }) => upstream))
}

const REQUESTS = 8
