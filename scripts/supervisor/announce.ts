import type { Logger } from '#shared/runtime/logger.ts'
import type { Settings } from './settings.ts'

/** What a person needs next. On a terminal plain text; in JSON logs one line that holds the same. */
export function announce(settings: Settings, port: number, log: Logger): void {
  const url = `http://localhost:${port}`
  const create = `curl -i ${url} -H 'content-type: application/json' -d '{"object_id": "my-first"}'`
  const ask = `curl ${url}/JOB_ID`
  const isJson = settings.LOG_FORMAT === 'json' || (settings.LOG_FORMAT === undefined && !process.stdout.isTTY)
  if (isJson) return log.info({ url, create, ask }, `Hasty listens on ${url}`)
  process.stdout.write(
    `\nHasty listens on ${url}\n  make a job:           ${create}\n  what became of it:    ${ask}\n  stop:                 Ctrl-C\n\n`,
  )
}
