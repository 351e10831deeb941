import { DEFAULT_TIMEOUT_MS } from '#shared/contracts/job-type.ts'
import { DAY, MINUTE, SECOND } from '#shared/runtime/clock.ts'
import {
  commonSettings,
  type Environment,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
} from '#shared/runtime/config.ts'

const settings = {
  ...commonSettings,
  PORT: portSetting(0),
  COOLDOWN_MS: integerSetting(5 * MINUTE, 0),
  /** Longest time an attempt may take where its type says nothing else. */
  JOB_TIMEOUT_MS: integerSetting(DEFAULT_TIMEOUT_MS, 1, DAY),
  LEASE_MS: integerSetting(10 * SECOND, 500),
  SLEEP_MIN_MS: integerSetting(15 * SECOND, 0),
  SLEEP_MAX_MS: integerSetting(45 * SECOND, 0),
  /** Jobs at once in this process. */
  JOB_SLOTS: integerSetting(10, 1, 10_000),
  /** How long a drain lets running jobs finish before it hands them back. */
  DRAIN_MS: integerSetting(10 * SECOND, 0),
  HANDLERS_DIR: optionalText(),
}

export type JobConfig = ReturnType<typeof readJobConfig>

export const readJobConfig = (env: Environment) => parseConfig(settings, env, [['SLEEP_MAX_MS', 'SLEEP_MIN_MS']])
