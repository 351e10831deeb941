import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readKeeperConfig } from './config.ts'

await checkSettings([() => readKeeperConfig(environment())])
