import { runService } from '#shared/service/run-service.ts'
import { readWorkflowConfig } from './config.ts'
import { startWorkflow } from './workflow.ts'

await runService('workflow', readWorkflowConfig, startWorkflow)
