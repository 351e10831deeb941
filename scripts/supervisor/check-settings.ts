import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { type Complaint, ConfigError, type Environment } from '#shared/process/config.ts'
import { complaintsIn, EXIT } from '#shared/process/exit.ts'
import { forHandlers } from './for-handlers.ts'
import { readSettings, type Settings } from './settings.ts'

const services = join(import.meta.dirname, '../../services')

/**
 * The supervisor's own settings, once every service has found its settings valid too. Only a service knows its
 * settings, so each is asked.
 * @throws ConfigError that names all invalid settings
 */
export async function readAllSettings(env: Environment): Promise<Settings> {
  const asked = await Promise.all([
    complaintsOf('api', env),
    complaintsOf('keeper', env),
    complaintsOf('job', forHandlers(env)),
    complaintsOf('workflow', env),
    complaintsOf('ingest', forHandlers(env)),
  ])
  const complaints = asked.flat()
  try {
    const settings = readSettings(env)
    if (complaints.length === 0) return settings
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    complaints.push(...error.complaints)
  }
  // Several services read the same setting.
  const byText = new Map(complaints.map((complaint) => [complaint.text, complaint]))
  throw new ConfigError([...byText.values()].toSorted((a, b) => (a.text < b.text ? -1 : 1)))
}

function complaintsOf(service: string, env: Environment): Promise<Complaint[]> {
  const file = join(services, service, 'check-settings.ts')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], { env }, (error, _stdout, stderr) => {
      if (error === null) resolve([])
      else if (error.code === EXIT.badSettings) resolve(complaintsIn(stderr))
      else reject(new Error(stderr.trim() || error.message))
    })
  })
}
