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

export const ingestSettings = {
  ...commonSettings,
  PORT: portSetting(0).describe('Port to listen on; 0: any free one.'),
  SHARDS: integerSetting(SHARDS_DEFAULT, 1, SHARDS_MAX).describe(
    'Number of shards that messages go into; the same at api and ingest.',
  ),
  BATCH_SIZE: integerSetting(5, 1, 1_000).describe('Messages in a full batch.'),
  BATCH_MAX_WAIT_MS: durationSetting(SECOND, 0, DAY).describe(
    'How long a message waits for a full batch before it is processed in a smaller one.',
  ),
  WORKERS_MIN: integerSetting(3, 1, WORKERS_LIMIT).describe('Minimum number of workers per shard.'),
  WORKERS_MAX: integerSetting(4, 1, WORKERS_LIMIT).describe('Maximum number of workers per shard.'),
  WORKER_IDLE_MS: durationSetting(10 * SECOND, 0).describe('How long a worker above WORKERS_MIN stays without work.'),
  BATCH_TIMEOUT_MS: durationSetting(30 * SECOND, 1, DAY).describe(
    'The longest time that an attempt at a batch may take.',
  ),
  BATCH_ATTEMPTS: integerSetting(5, 1, 100).describe(
    'Attempts at a message before it becomes a dead letter. `files` is tried for ever where the disk is at fault.',
  ),
  BATCH_BACKOFF_MS: durationSetting(SECOND, 1).describe(
    'The pause after the first failed attempt at a batch; it doubles with each, up to 30 s.',
  ),
  INGEST_HANDLER: textSetting('files').describe(
    '`files`, the URL of an endpoint, or the path of a file that exports `run(messages, context)`.',
  ),
  DATA_OUTPUT_DIR: optionalText().describe(
    'Where `files` writes, the same folder for all replicas; by default `messages` in DATA_DIR.',
  ),
  INGEST_LEASE_MS: durationSetting(4 * SECOND, SECOND, 60 * SECOND).describe(
    'How long a replica may be silent before it loses its shards.',
  ),
  DRAIN_MS: durationSetting(10 * SECOND, 0).describe(
    'How long a stopping process lets running jobs, or planned batches of messages, finish.',
  ),
}

export type IngestConfig = ReturnType<typeof readIngestConfig>

export const readIngestConfig = (env: Environment) => parseConfig(ingestSettings, env, [['WORKERS_MAX', 'WORKERS_MIN']])
