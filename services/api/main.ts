import { runService } from '#shared/service/run-service.ts'
import { startApi } from './api.ts'
import { readApiConfig } from './config.ts'

await runService('api', readApiConfig, startApi)
