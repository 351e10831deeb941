import { join, resolve } from 'node:path'
import { messageOf } from '#shared/errors/foreign.ts'
import { makeCallOut } from '#shared/outbound/call-out.ts'
import { ConfigError } from '#shared/process/config.ts'
import { importModule } from '#shared/process/import-module.ts'
import type { IngestConfig } from '../config.ts'
import { filesHandler } from './files.ts'
import type { BatchHandler } from './handler.ts'
import { httpHandler } from './http.ts'

type HandlerSettings = Pick<IngestConfig, 'INGEST_HANDLER' | 'DATA_DIR' | 'DATA_OUTPUT_DIR' | 'BATCH_TIMEOUT_MS'>

const FOLDER = 'messages'

/**
 * The handler that INGEST_HANDLER names: `files`, a URL, or the path of a TypeScript or JavaScript module.
 * @throws ConfigError when it cannot be used
 */
export async function loadHandler(settings: HandlerSettings, replicaId: string): Promise<BatchHandler> {
  const { INGEST_HANDLER: name, DATA_DIR, DATA_OUTPUT_DIR, BATCH_TIMEOUT_MS } = settings
  if (name === 'files') return filesHandler(resolve(DATA_OUTPUT_DIR ?? join(DATA_DIR, FOLDER)), replicaId)
  if (/^https?:\/\//i.test(name)) {
    const callOut = makeCallOut({ trustedHosts: new Set() })
    return httpHandler({ url: readUrl(name), callOut, timeoutMs: BATCH_TIMEOUT_MS })
  }
  return importHandler(name)
}

function readUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new ConfigError(`INGEST_HANDLER: this is no valid URL: "${text}"`)
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError('INGEST_HANDLER: the URL must not have a user name or password')
  }
  return url
}

async function importHandler(path: string): Promise<BatchHandler> {
  const file = resolve(path)
  try {
    const { run } = await importModule(file)
    if (typeof run !== 'function') throw new Error(`${file}: must export a function run(messages, context)`)
    return { run: run as BatchHandler['run'] }
  } catch (error) {
    const text = `INGEST_HANDLER, which is "files", a URL or the path of a module: ${messageOf(error)}`
    throw new ConfigError([{ about: 'handlers', text }], { cause: error })
  }
}
