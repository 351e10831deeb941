import { ConfigError } from '#shared/process/config.ts'
import { complain, explainEnd } from '#shared/process/exit.ts'

/**
 * The whole of a service's `check-settings.ts`: runs every check, reports all faults, and ends. It connects to nothing,
 * so a supervisor can check all services before it starts anything.
 */
export async function checkSettings(checks: (() => unknown)[]): Promise<never> {
  const results = await Promise.allSettled(checks.map(async (check) => await check()))
  const errors = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown)
  const other = errors.find((error) => !(error instanceof ConfigError))
  if (other !== undefined) process.exit(explainEnd(other, 'The settings could not be checked: '))
  process.exit(complain(errors.flatMap((error) => (error as ConfigError).complaints)))
}
