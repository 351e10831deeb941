import { runService } from '#shared/service/run-service.ts'
import { readIngestConfig } from './config.ts'
import { INGEST_BASE, startIngest } from './ingest.ts'

await runService('ingest', readIngestConfig, startIngest, INGEST_BASE)
