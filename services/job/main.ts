import { runService } from '#shared/service/run-service.ts'
import { readJobConfig } from './config.ts'
import { JOB_BASE, startJob } from './job.ts'

await runService('job', readJobConfig, startJob, JOB_BASE)
