import { startService } from '#shared/service/run-service.ts'
import { freePort } from '../../scripts/servers/free-port.ts'
import { answersOk, waitUntil } from '../../scripts/servers/wait-until.ts'
import { startApi } from '../../services/api/api.ts'
import { readApiConfig } from '../../services/api/config.ts'
import { readIngestConfig } from '../../services/ingest/config.ts'
import { INGEST_BASE, startIngest } from '../../services/ingest/ingest.ts'
import { readJobConfig } from '../../services/job/config.ts'
import { JOB_BASE, startJob } from '../../services/job/job.ts'
import { readKeeperConfig } from '../../services/keeper/config.ts'
import { startKeeper } from '../../services/keeper/keeper.ts'
import { readWorkflowConfig } from '../../services/workflow/config.ts'
import { startWorkflow } from '../../services/workflow/workflow.ts'
import type { Launch } from './hasty.ts'

type Env = Record<string, string>

/** The start functions of each service's `main.ts`, without the signals. */
const start = {
  api: (env: Env) => startService('api', readApiConfig(env), startApi),
  keeper: (env: Env) => startService('keeper', readKeeperConfig(env), startKeeper),
  job: (env: Env) => startService('job', readJobConfig(env), startJob, JOB_BASE),
  workflow: (env: Env) => startService('workflow', readWorkflowConfig(env), startWorkflow),
  ingest: (env: Env) => startService('ingest', readIngestConfig(env), startIngest, INGEST_BASE),
}

/** Settings of tests: nothing is printed, and no test waits at its end for jobs that are still running. */
const DEFAULTS = { HOST: '127.0.0.1', LOG_FORMAT: 'json', LOG_LEVEL: 'fatal', DRAIN_MS: '0', SPARE_CHILDREN: '0' }

/** One service in the test's own process, on a port that it keeps over restarts. */
export type InProcess = {
  readonly name: string
  readonly url: string
  readonly port: number
  /** Does what SIGTERM makes a process do; only a process can be killed after the grace time. */
  stop(graceMs?: number): Promise<void>
  /** Starts the service again and waits until it is ready; stops it first if it still runs. */
  restart(env?: Env): Promise<void>
}

export async function startInThisProcess({ kind, name, ...options }: Launch): Promise<InProcess> {
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  let env: Env = { ...DEFAULTS, ...options.env, PORT: String(port) }

  async function launch(): Promise<() => Promise<void>> {
    const { base } = await start[kind](env)
    const stop = () => base.life.stop()
    await waitUntil(() => answersOk(`${url}/readyz`), { what: name, timeoutMs: 30_000 }).catch(
      async (error: unknown) => {
        await stop()
        throw error
      },
    )
    return stop
  }

  let stop = await launch()
  return {
    name,
    url,
    port,
    stop: () => stop(),
    async restart(more = {}) {
      await stop()
      env = { ...env, ...more }
      stop = await launch()
    },
  }
}
