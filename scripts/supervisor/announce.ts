import type { Logger } from '#shared/process/logger.ts'
import type { Settings } from './settings.ts'

/** An address to connect to: one that means "all" is only for listening. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

const urlFor = ({ HOST }: Settings, port: number): string =>
  `http://${HOST === '127.0.0.1' ? 'localhost' : reachableHost(HOST)}:${port}`

const createCommand = (url: string): string =>
  `curl -i ${url} -H 'content-type: application/json' -d '{"object_id": "my-first"}'`

/** Prints the first line of all: where Hasty will be, before the services' own lines. */
export function announceStart(settings: Settings, port: number, log: Logger): void {
  const url = urlFor(settings, port)
  if (isJson(settings)) return log.info({ url, data_dir: settings.DATA_DIR }, `Hasty starts on ${url}`)
  const create = createCommand(url)
  process.stdout.write(`Hasty starts on ${url} (data in ${settings.DATA_DIR}); in a moment try: ${create}\n`)
}

/** Prints a person's next steps: on a terminal plain text, in JSON logs one line with the same content. */
export function announce(settings: Settings, port: number, log: Logger): void {
  const url = urlFor(settings, port)
  const create = createCommand(url)
  const ask = `curl ${url}/JOB_ID`
  if (isJson(settings)) return log.info({ url, dashboard: `${url}/ui`, create, ask }, `Hasty listens on ${url}`)
  const steps = [
    ['dashboard:', `${url}/ui`],
    ['make a job:', create],
    ['what became of it:', ask],
    ['stop:', 'Ctrl-C'],
  ].map(([what = '', how = '']) => `  ${what.padEnd(20)}  ${how}\n`)
  process.stdout.write(`\nHasty listens on ${url}\n${steps.join('')}\n`)
}

const isJson = (settings: Settings): boolean =>
  settings.LOG_FORMAT === 'json' || (settings.LOG_FORMAT === undefined && !process.stdout.isTTY)
