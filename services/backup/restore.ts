import { existsSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker } from '#shared/bus/connection.ts'
import { forgetConsumer, restoreSnapshot, type SnapshotHead, streamNames } from '#shared/bus/snapshots.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { environment } from '#shared/process/config.ts'
import { explainEnd } from '#shared/process/exit.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'
import { type BackupConfig, readBackupConfig } from './config.ts'
import { connectTo } from './connect-to.ts'
import { checkDatabasesEmpty, restoreDatabases } from './databases.ts'
import { messagesDir, readChunks, readManifest, STREAMS, snapshotFile, storesDir } from './files.ts'

// `npm run restore`: brings back everything from BACKUP_DIR, to where nothing is yet but a broker (and MongoDB). Start
// the broker again afterwards: it reads the ids of the cooldown when it starts.

/**
 * Their snapshots are of different moments: what they have delivered of one stream may be missing in the others. Setup
 * makes them anew, and everything is delivered once more, which changes nothing that is known.
 */
const DELIVERED_ANEW = [
  ['JOBS', 'workflow'],
  ['REQUESTS', 'workflow'],
] as const

async function restore(config: BackupConfig, broker: Broker, log: Logger): Promise<void> {
  const dir = config.BACKUP_DIR
  const { streams, created_at: createdAt } = await readManifest(dir)
  const existing = (await streamNames(broker)).filter((name) => (STREAMS as readonly string[]).includes(name))
  if (existing.length > 0)
    throw new Error(`the broker has the streams ${existing.join(', ')} already; restore into an empty one`)
  await checkDatabasesEmpty(config)
  await restoreFiles(config, dir)
  await restoreDatabases(config, storesDir(dir))
  for (const [name, head] of Object.entries(streams)) {
    const chunks = readChunks(snapshotFile(dir, name))
    await restoreSnapshot(broker, head as unknown as SnapshotHead, chunks).catch((error: unknown) => {
      const next = 'empty the broker, the stores and the files again before another try'
      throw new Error(`the stream ${name} cannot be restored (${messageOf(error)}); ${next}`, { cause: error })
    })
    log.info({ stream: name }, 'stream is restored')
  }
  for (const [stream, consumer] of DELIVERED_ANEW) {
    if (streams[stream] !== undefined) await forgetConsumer(broker, stream, consumer)
  }
  log.info({ dir, created_at: createdAt }, 'everything is restored: restart the broker, then start the services')
}

async function restoreFiles({ DATA_DIR, DATA_OUTPUT_DIR }: BackupConfig, dir: string): Promise<void> {
  const output = DATA_OUTPUT_DIR ?? join(DATA_DIR, 'messages')
  if (existsSync(output) && (await readdir(output)).length > 0)
    throw new Error(`${output} is not empty; restore into an empty folder`)
  if (existsSync(messagesDir(dir))) await cp(messagesDir(dir), output, { recursive: true })
  // Copying makes DATA_DIR, where it is not there yet.
  if (existsSync(join(dir, 'webhook-secret'))) await cp(join(dir, 'webhook-secret'), join(DATA_DIR, 'webhook-secret'))
}

try {
  const config = readBackupConfig(environment())
  const log = createLogger({ service: 'restore', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const broker = await connectTo(config, log)
  await restore(config, broker, log).finally(() => broker.close())
} catch (error) {
  process.exitCode = explainEnd(error, 'Restore failed: ')
}
