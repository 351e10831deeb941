import { commonSettings, type Environment, optionalText, parseConfig, textSetting } from '#shared/process/config.ts'

const { NATS_URL, NATS_USER, NATS_PASSWORD, DATA_DIR, LOG_LEVEL, LOG_FORMAT } = commonSettings

/** Settings of the commands that back up and restore; the same as the services', whose data it is. */
export const backupSettings = {
  NATS_URL,
  NATS_USER,
  NATS_PASSWORD,
  DATA_DIR,
  LOG_LEVEL,
  LOG_FORMAT,
  MONGO_URL: optionalText().describe('MongoDB of the read store, instead of SQLite in DATA_DIR.'),
  JOB_MONGO_URL: optionalText().describe(
    'MongoDB of the store of workers, a database of its own; else SQLite in DATA_DIR.',
  ),
  WORKFLOW_MONGO_URL: optionalText().describe(
    'MongoDB of the store of requests, a database of its own; else SQLite in DATA_DIR.',
  ),
  DATA_OUTPUT_DIR: optionalText().describe(
    'Where `files` writes, the same folder for all replicas; by default `messages` in DATA_DIR.',
  ),
  BACKUP_DIR: textSetting('./backup').describe('Folder that a backup is written to, or restored from.'),
}

export type BackupConfig = ReturnType<typeof readBackupConfig>

export const readBackupConfig = (env: Environment) => parseConfig(backupSettings, env)
