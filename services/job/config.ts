import { LIVE_WITHIN_MS } from '#shared/contracts/http/workers.ts'
import { DEFAULT_TIMEOUT_MS } from '#shared/contracts/log/job-type.ts'
import { serviceSettings, trustedHostsSetting } from '#shared/outbound/settings.ts'
import {
  commonSettings,
  durationSetting,
  type Environment,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  retentionSetting,
} from '#shared/process/config.ts'
import { DAY, MINUTE, SECOND } from '#shared/time/clock.ts'
import { webhookSecretsSetting } from './handlers/callback-signature.ts'

const settings = {
  ...commonSettings,
  PORT: portSetting(0),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0),
  /** Longest time an attempt may take where its type says nothing else. */
  JOB_TIMEOUT_MS: durationSetting(DEFAULT_TIMEOUT_MS, 1, DAY),
  LEASE_MS: durationSetting(10 * SECOND, 500),
  SLEEP_MIN_MS: durationSetting(15 * SECOND, 0),
  SLEEP_MAX_MS: durationSetting(45 * SECOND, 0),
  /** Jobs at once in this process. */
  JOB_SLOTS: integerSetting(10, 1, 10_000),
  /** Jobs of low priority that wait while others are taken count as one priority higher after each such time. */
  PRIORITY_AGEING_MS: durationSetting(5 * SECOND, 1),
  /** How long a drain lets running jobs finish before it hands them back. */
  DRAIN_MS: durationSetting(10 * SECOND, 0),
  HANDLERS_DIR: optionalText(),
  /** The job service's own database for the attempts its workers ran; without it an embedded one lies in DATA_DIR. */
  JOB_MONGO_URL: optionalText(),
  /** How long attempts, and workers that are gone, can be read. A worker that lives writes more often than that. */
  ATTEMPT_RETENTION_MS: retentionSetting(7 * DAY, LIVE_WITHIN_MS),
  /** Longest time of a call by an `http` job, its answer included; beyond it the attempt is tried again. */
  HTTP_CALL_TIMEOUT_MS: durationSetting(30 * SECOND, 1, DAY),
  ...serviceSettings,
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  WEBHOOK_SECRET: webhookSecretsSetting(),
}

export type JobConfig = ReturnType<typeof readJobConfig>

export const readJobConfig = (env: Environment) => parseConfig(settings, env, [['SLEEP_MAX_MS', 'SLEEP_MIN_MS']])
