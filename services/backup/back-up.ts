import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Broker } from '#shared/bus/connection.ts'
import { readSnapshot, streamNames } from '#shared/bus/snapshots.ts'
import { environment } from '#shared/process/config.ts'
import { explainEnd } from '#shared/process/exit.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'
import { isoTime, systemClock } from '#shared/time/clock.ts'
import { type BackupConfig, readBackupConfig } from './config.ts'
import { connectTo } from './connect-to.ts'
import { saveDatabases } from './databases.ts'
import { type Manifest, manifestFile, messagesDir, STREAMS, snapshotFile, storesDir, writeWhole } from './files.ts'

// `npm run back-up`: copies everything that Hasty keeps into BACKUP_DIR, while it runs. The order is what makes the copies
// fit: the stores of jobs before the log, which then knows everything that they lack; the store of requests after the
// stream from which ended ones leave; the files of messages after the stream from which processed ones leave.

async function backUp(config: BackupConfig, broker: Broker, log: Logger): Promise<void> {
  const dir = config.BACKUP_DIR
  await makeEmptyFolder(dir)
  log.info({ stores: await saveDatabases(config, storesDir(dir), ['jobs', 'job']) }, 'stores are backed up')
  const streams: Manifest['streams'] = {}
  const existing = await streamNames(broker)
  for (const stream of STREAMS.filter((name) => existing.includes(name))) {
    const head = await writeWhole(snapshotFile(dir, stream), (file) =>
      readSnapshot(broker, stream, async (bytes) => void (await file.write(bytes))),
    )
    streams[stream] = { config: { ...head.config }, state: { ...head.state } }
    log.info({ stream, messages: head.state.messages }, 'stream is backed up')
  }
  log.info({ stores: await saveDatabases(config, storesDir(dir), ['workflow']) }, 'stores are backed up')
  await saveFiles(config, dir)
  const manifest: Manifest = { version: 1, created_at: isoTime(systemClock.now()), streams }
  await writeWhole(manifestFile(dir), (file) => writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`))
  log.info({ dir }, 'backup is complete')
}

/** The files of messages, without those that are being written, and the secret that signs webhooks. */
async function saveFiles({ DATA_DIR, DATA_OUTPUT_DIR }: BackupConfig, dir: string): Promise<void> {
  const output = DATA_OUTPUT_DIR ?? join(DATA_DIR, 'messages')
  if (existsSync(output)) {
    const isWhole = (path: string) => path === output || !basename(path).startsWith('.')
    await cp(output, messagesDir(dir), { recursive: true, filter: isWhole })
  }
  const secret = join(DATA_DIR, 'webhook-secret')
  if (existsSync(secret)) await cp(secret, join(dir, 'webhook-secret'))
}

async function makeEmptyFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty; set BACKUP_DIR to a new folder`)
  // It holds every payload.
  await chmod(dir, 0o700)
  for (const each of [join(dir, 'streams'), storesDir(dir)]) await mkdir(each)
}

try {
  const config = readBackupConfig(environment())
  const log = createLogger({ service: 'back-up', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const broker = await connectTo(config, log)
  await backUp(config, broker, log).finally(() => broker.close())
} catch (error) {
  process.exitCode = explainEnd(error, 'Backup failed: ')
}
