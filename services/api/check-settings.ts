import { environment } from '#shared/process/config.ts'
import { checkSettings } from '#shared/service/check-settings.ts'
import { readApiConfig } from './config.ts'

await checkSettings([() => readApiConfig(environment())])
