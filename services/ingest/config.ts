import { SHARDS_DEFAULT, SHARDS_MAX } from '#shared/contracts/log/message.ts'
import {
  commonSettings,
  durationSetting,
  type Environment,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  textSetting,
} from '#shared/process/config.ts'
import { DAY, SECOND } from '#shared/time/clock.ts'

const WORKERS_LIMIT = 16

const settings = {
  ...commonSettings,
  PORT: portSetting(0),
  /** The same for the api, which sends messages to the shards. */
  SHARDS: integerSetting(SHARDS_DEFAULT, 1, SHARDS_MAX),
  BATCH_SIZE: integerSetting(5, 1, 1_000),
  /** A message that has waited so long goes in a batch that is not whole. */
  BATCH_MAX_WAIT_MS: durationSetting(SECOND, 0, DAY),
  /** Of a shard. */
  WORKERS_MIN: integerSetting(3, 1, WORKERS_LIMIT),
  WORKERS_MAX: integerSetting(4, 1, WORKERS_LIMIT),
  /** A pool that grew gets smaller again when its last worker has had nothing to do for so long. */
  WORKER_IDLE_MS: durationSetting(10 * SECOND, 0),
  /** Longest time of an attempt at a batch. */
  BATCH_TIMEOUT_MS: durationSetting(30 * SECOND, 1, DAY),
  /** Before the messages that are left go to the dead letters; `files` is tried for ever. */
  BATCH_ATTEMPTS: integerSetting(5, 1, 100),
  /** The pause after the first failed attempt; it doubles with each, up to 30 s. */
  BATCH_BACKOFF_MS: durationSetting(SECOND, 1),
  /** `files`, the URL of an endpoint, or the path of a TypeScript file that exports `run(messages, context)`. */
  INGEST_HANDLER: textSetting('files'),
  /** Where `files` writes, for all replicas; without it a folder of DATA_DIR. */
  DATA_OUTPUT_DIR: optionalText(),
  /** A replica that gave no sign of life for so long loses its shards. */
  INGEST_LEASE_MS: durationSetting(4 * SECOND, SECOND, 60 * SECOND),
  /** How long a drain waits for the batches that are planned. */
  DRAIN_MS: durationSetting(10 * SECOND, 0),
}

export type IngestConfig = ReturnType<typeof readIngestConfig>

export const readIngestConfig = (env: Environment) => parseConfig(settings, env, [['WORKERS_MAX', 'WORKERS_MIN']])
