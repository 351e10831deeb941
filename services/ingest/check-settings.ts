import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readIngestConfig } from './config.ts'
import { loadHandler } from './handlers/load-handler.ts'

const env = environment()
// Parsed with the handler alone, so that it is checked even where other settings are invalid.
const { INGEST_HANDLER } = env
await checkSettings([() => readIngestConfig(env), () => loadHandler(readIngestConfig({ INGEST_HANDLER }), '')])
