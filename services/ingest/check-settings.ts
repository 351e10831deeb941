import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readIngestConfig } from './config.ts'
import { loadHandler } from './handlers/load-handler.ts'

const env = environment()
// With nothing but the handler, so that it is checked also where other settings are bad.
const { INGEST_HANDLER } = env
await checkSettings([() => readIngestConfig(env), () => loadHandler(readIngestConfig({ INGEST_HANDLER }), '')])
