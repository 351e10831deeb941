import { environment } from '#shared/service/config.ts'
import { checkSettings } from '#shared/service/service.ts'
import { readWorkflowConfig } from './config.ts'

await checkSettings([() => readWorkflowConfig(environment())])
