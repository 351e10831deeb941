import { resolve } from 'node:path'
import { EXIT } from '#shared/process/exit.ts'
import type { Restartable } from './keep-running.ts'
import { type ServiceContext, startSetup } from './services.ts'
import { watchFolder } from './watch-folder.ts'

/**
 * Loads the handlers anew whenever a file of HANDLERS_DIR has changed: lets setup check them and make the lanes of new
 * types, and then restarts the job services, one after the other. Each drains first, so that no running attempt is lost.
 * Handlers with errors are told, and those that run stay.
 * @returns a function that ends it
 */
export async function reloadHandlers(
  folder: string,
  context: ServiceContext,
  jobs: Restartable[],
): Promise<() => void> {
  const { log, settings } = context
  let isEnded = false
  let isQueued = false
  let reloading: Promise<void> = Promise.resolve()

  const reload = async () => {
    isQueued = false
    if (isEnded) return
    const setup = await startSetup(context)
    if ((await setup.exited).code !== EXIT.ok) {
      log.error({ folder }, 'the changed handlers cannot be used, for the reason above; the old ones stay')
      return
    }
    for (const job of jobs) await job.restart(settings.DRAIN_MS + STOP_MARGIN_MS)
    log.info({ folder }, 'handlers loaded anew')
  }
  const end = await watchFolder(resolve(folder), () => {
    // One more reload after the one that is under way sees all changes until then.
    if (isQueued) return
    isQueued = true
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
