import { environment } from '#shared/runtime/config.ts'
import { checkSettings } from '#shared/runtime/service.ts'
import { readWorkflowConfig } from './config.ts'

await checkSettings([() => readWorkflowConfig(environment())])
