import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readJobConfig } from './config.ts'
import { loadHandlers } from './handlers/load-handlers.ts'

const env = environment()
// Parsed with the folder alone, so that its files are checked even where other settings are invalid.
const { HANDLERS_DIR, HANDLERS_DIR_FILE } = env
await checkSettings([() => readJobConfig(env), () => loadHandlers(readJobConfig({ HANDLERS_DIR, HANDLERS_DIR_FILE }))])
