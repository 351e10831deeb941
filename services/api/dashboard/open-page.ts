import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Page } from './page-files.ts'

/**
 * The page, read at the first request for it: an api whose dashboard nobody opens spends nothing on it. A failure is
 * not kept: the next request reads again.
 */
export function openPage(): () => Promise<Page> {
  let reading: Promise<Page> | null = null
  return () => {
    reading ??= readOnThread().catch((error: unknown) => {
      reading = null
      throw error
    })
    return reading
  }
}

const readOnThread = (): Promise<Page> =>
  new Promise((resolve, reject) => {
    // Node warns that stripping types by a call is an experiment; by its own loader it is not.
    const execArgv = ['--disable-warning=ExperimentalWarning']
    const thread = new Worker(join(import.meta.dirname, 'read-page-thread.ts'), { execArgv })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`the thread that reads the dashboard ended with ${code}`)))
  })
