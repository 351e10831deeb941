import { logLimitSettings } from '#shared/accept/settings.ts'
import { LIVE_WITHIN_MS } from '#shared/contracts/http/workers.ts'
import { DEFAULT_TIMEOUT_MS } from '#shared/contracts/log/job-type.ts'
import { serviceSettings, trustedHostsSetting } from '#shared/outbound/settings.ts'
import {
  choiceSetting,
  choicesSetting,
  commonSettings,
  durationSetting,
  type Environment,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  retentionSetting,
} from '#shared/process/config.ts'
import { DAY, MINUTE, SECOND } from '#shared/time/clock.ts'
import { webhookSecretsSetting } from './handlers/callback-signature.ts'
import { PLACEMENTS } from './run/placement.ts'

/** The built-in types that a caller may use. */
const BUILT_IN_TYPES = ['sleep', 'add', 'multiply', 'task', 'http'] as const

export const jobSettings = {
  ...commonSettings,
  PORT: portSetting(0).describe('Port to listen on; 0: any free one.'),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0).describe(
    'How long an object_id cannot be reused with the same type, where the type has this rule; 0: no cooldown.',
  ),
  JOB_TIMEOUT_MS: durationSetting(DEFAULT_TIMEOUT_MS, 1, DAY).describe(
    'The longest time that an attempt may take, unless its type sets one.',
  ),
  LEASE_MS: durationSetting(10 * SECOND, 500).describe(
    'How long a worker may be silent before its jobs go to another worker.',
  ),
  START_GRACE_MS: durationSetting(5, 0, MINUTE).describe(
    'Attempts of types whose last attempts were shorter than this run before their start is stored; 0: none.',
  ),
  SLEEP_MIN_MS: durationSetting(15 * SECOND, 0).describe('The shortest time that a job of the type `sleep` takes.'),
  SLEEP_MAX_MS: durationSetting(45 * SECOND, 0).describe('The longest time that a job of the type `sleep` takes.'),
  JOB_SLOTS: integerSetting(10, 1, 10_000).describe('Maximum number of jobs running at once in one process.'),
  SPARE_CHILDREN: integerSetting(1, 0, 10).describe(
    'Processes kept ready for jobs whose worker died, while there are other workers; each takes some 50 MB of memory.',
  ),
  PRIORITY_AGEING_MS: durationSetting(5 * SECOND, 1).describe(
    'Waiting jobs gain one priority level for each period of this length in which they are passed over.',
  ),
  DRAIN_MS: durationSetting(10 * SECOND, 0).describe(
    'How long a stopping process lets running jobs, or planned batches of messages, finish.',
  ),
  BUILT_IN_TYPES: choicesSetting(BUILT_IN_TYPES).describe(
    'The built-in types that are offered, several with commas; `none`: only your own. Setup needs it too.',
  ),
  HANDLERS_DIR: optionalText().describe('Folder of your own job types. Setup needs it too.'),
  JOB_MONGO_URL: optionalText().describe(
    'MongoDB of the store of workers, a database of its own; else SQLite in DATA_DIR.',
  ),
  ATTEMPT_RETENTION_MS: retentionSetting(7 * DAY, LIVE_WITHIN_MS).describe(
    "How long a worker's attempts, and a worker that is gone, can be read.",
  ),
  HTTP_CALL_TIMEOUT_MS: durationSetting(30 * SECOND, 1, DAY).describe(
    'The longest time that a call of a service or URL may take, its answer included; then the attempt is retried.',
  ),
  TRACE_JOBS: choiceSetting(PLACEMENTS, 'auto').describe(
    'The attempts of a job in traces: `child`: in the trace of what sent it; `link`: each in one of its own, with a link; `auto`: in it if they begin within ten minutes.',
  ),
  ...logLimitSettings,
  CALLBACKS: flagSetting(true).describe('Whether a job may have a `callback_url`.'),
  ...serviceSettings,
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  WEBHOOK_SECRET: webhookSecretsSetting()
    .meta({ values: '`whsec_` and the base64 of 24 to 64 bytes; two with a comma while it is changed' })
    .describe('Signs webhooks. `npm start` makes one; without it callback jobs fail.'),
}

export type JobConfig = ReturnType<typeof readJobConfig>

export const readJobConfig = (env: Environment) => parseConfig(jobSettings, env, [['SLEEP_MAX_MS', 'SLEEP_MIN_MS']])
