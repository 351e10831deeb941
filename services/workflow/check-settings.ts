import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readWorkflowConfig } from './config.ts'

await checkSettings([() => readWorkflowConfig(environment())])
