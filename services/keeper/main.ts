import { runService } from '#shared/service/run-service.ts'
import { readKeeperConfig } from './config.ts'
import { startKeeper } from './keeper.ts'

await runService('keeper', readKeeperConfig, startKeeper)
