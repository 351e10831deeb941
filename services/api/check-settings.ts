import { environment } from '#shared/service/config.ts'
import { checkSettings } from '#shared/service/service.ts'
import { readApiConfig } from './config.ts'

await checkSettings([() => readApiConfig(environment())])
