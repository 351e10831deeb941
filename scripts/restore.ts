// `npm run restore`: restores a backup (BACKUP_DIR) into the DATA_DIR of an `npm start` that never ran. Exit code: 0 when
// everything is restored.
import { environment } from '#shared/process/config.ts'
import { explainEnd } from '#shared/process/exit.ts'
import { createLogger } from '#shared/process/logger.ts'
import { provideBroker } from './supervisor/broker.ts'
import { lockFolder } from './supervisor/lock.ts'
import { startService } from './supervisor/services.ts'
import { readSettings } from './supervisor/settings.ts'

const STOP_MS = 5_000

async function main(): Promise<number> {
  const settings = readSettings(environment())
  const log = createLogger({ service: 'restore', level: settings.LOG_LEVEL, format: settings.LOG_FORMAT })
  const release = lockFolder(settings.DATA_DIR)
  try {
    const broker = await provideBroker(settings, log, new AbortController().signal)
    try {
      const env = { ...process.env, NATS_URL: broker.url, DATA_DIR: settings.DATA_DIR }
      const restore = await startService('backup/restore.ts', env)
      return (await restore.exited).code ?? 1
    } finally {
      await broker.stop(STOP_MS)
    }
  } finally {
    release()
  }
}

process.exit(await main().catch((error: unknown) => explainEnd(error, '')))
