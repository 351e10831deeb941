import { environment } from '#shared/runtime/config.ts'
import { checkSettings } from '#shared/runtime/service.ts'
import { readApiConfig } from './config.ts'

await checkSettings([() => readApiConfig(environment())])
