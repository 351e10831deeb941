import { resolve } from 'node:path'
import { complaintsOf } from './check-settings.ts'
import { forHandlers } from './for-handlers.ts'
import type { Restartable } from './keep-running.ts'
import { type ServiceContext, startSetup } from './services.ts'
import { watchFolder } from './watch-folder.ts'

/**
 * Loads the handlers anew whenever a file of HANDLERS_DIR has changed: checks them, makes the lanes of new types, and
 * then restarts the job services, one after the other. Each drains first, so that no running attempt is lost. Handlers
 * with errors are told, and those that run stay.
 * @returns a function that ends it
 */
export async function reloadHandlers(
  folder: string,
  context: ServiceContext,
  jobs: Restartable[],
): Promise<() => void> {
  const { log, settings } = context
  let isEnded = false
  let reloading: Promise<void> = Promise.resolve()

  const reload = async () => {
    if (isEnded) return
    const complaints = await complaintsOf('job', forHandlers(process.env))
    if (complaints.length > 0) {
      log.error(
        { errors: complaints.map(({ text }) => text) },
        'the changed handlers cannot be loaded; the old ones stay',
      )
      return
    }
    const setup = await startSetup(context)
    if ((await setup.exited).code !== 0) {
      log.error('setup failed, so the old handlers stay; its reason is above')
      return
    }
    for (const job of jobs) await job.restart(settings.DRAIN_MS + STOP_MARGIN_MS)
    log.info({ folder }, 'handlers loaded anew')
  }
  const end = await watchFolder(resolve(folder), () => {
    log.info({ folder }, 'handlers have changed')
    reloading = reloading
      .then(reload)
      .catch((error: unknown) => log.error({ err: error }, 'could not load the handlers anew'))
  })
  return () => {
    isEnded = true
    end()
  }
}

/** Time beyond that of the drain, for handing back. */
const STOP_MARGIN_MS = 5_000
