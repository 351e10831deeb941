import type { z } from 'zod'
import { httpSettings } from '#shared/http/settings.ts'
import { commonSettings } from '#shared/process/config.ts'
import { apiSettings } from '../../services/api/config.ts'
import { backupSettings } from '../../services/backup/config.ts'
import { ingestSettings } from '../../services/ingest/config.ts'
import { jobSettings } from '../../services/job/config.ts'
import { keeperSettings } from '../../services/keeper/config.ts'
import { workflowSettings } from '../../services/workflow/config.ts'
import { startSettings } from '../supervisor/settings.ts'

/** The supervisor, beside the services. */
export const START = '`npm start`'

/** The commands that back up and restore. */
export const BACKUP = 'backup'

/** The settings that each process reads. */
export const READERS: Readonly<Record<string, z.ZodRawShape>> = {
  api: apiSettings,
  keeper: keeperSettings,
  job: jobSettings,
  workflow: workflowSettings,
  ingest: ingestSettings,
  [START]: startSettings,
  [BACKUP]: backupSettings,
}

/** The sections of the page. A setting appears in the first one that has it. */
export const SECTIONS: Readonly<Record<string, z.ZodRawShape>> = {
  'Every service': { PORT: apiSettings.PORT, ...commonSettings },
  'What `npm start` runs': startSettings,
  'Callers: tokens, limits, proxies, browsers': httpSettings,
  'Accepting jobs': apiSettings,
  'Keeping jobs: the fold, housekeeping, schedules, timers': keeperSettings,
  'Running jobs': jobSettings,
  'Requests of several steps': workflowSettings,
  Messages: ingestSettings,
  Backups: backupSettings,
}

/** Every name once, in the order of the sections. */
export const settingNames = (): string[] => [...new Set(Object.values(SECTIONS).flatMap((shape) => Object.keys(shape)))]
