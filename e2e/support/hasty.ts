import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../scripts/servers/free-port.ts'
import { type NatsOptions, type NatsServer, startNatsServer } from '../../scripts/servers/nats.ts'
import { type Nginx, startNginx } from '../../scripts/servers/nginx.ts'
import { answersOk, waitUntil } from '../../scripts/servers/wait-until.ts'
import { readJobConfig } from '../../services/job/config.ts'
import { setUpBroker } from '../../services/job/set-up-broker.ts'
import { silentLog } from './bus.ts'
import { type InProcess, startInThisProcess } from './in-process.ts'
import { TEST_SYNC } from './nats.ts'
import { type Replica, startReplica } from './replica.ts'

export type HastyOptions = {
  apis?: number
  keepers?: number
  jobs?: number
  /** None by default. */
  workflows?: number
  /** None by default. */
  ingests?: number
  /** Puts a real nginx in front; without it `url` is the first api's. */
  nginx?: boolean
  /**
   * Environment of every process; `apiEnv`, `keeperEnv`, `jobEnv`, `workflowEnv` and `ingestEnv` are added for one
   * kind.
   */
  env?: Record<string, string>
  apiEnv?: Record<string, string>
  keeperEnv?: Record<string, string>
  jobEnv?: Record<string, string>
  workflowEnv?: Record<string, string>
  ingestEnv?: Record<string, string>
  /** By default TEST_SYNC. */
  natsSync?: '10ms' | 'always'
  maxFileBytes?: number
}

/** @typeParam R processes, or services in the test's own */
export type Hasty<R extends InProcess = InProcess> = AsyncDisposable & {
  /** Address to which a client sends its requests. */
  readonly url: string
  readonly dir: string
  /** The DATA_DIR that all replicas share. */
  readonly dataDir: string
  readonly api: R[]
  readonly keeper: R[]
  readonly job: R[]
  readonly workflow: R[]
  readonly ingest: R[]
  readonly nats: NatsServer
  readonly nginx: Nginx | undefined
  /** Adds one more replica, ready when this resolves; neither nginx nor the apis learn of it. */
  addApi(env?: Record<string, string>): Promise<R>
  addKeeper(env?: Record<string, string>): Promise<R>
  addJob(env?: Record<string, string>): Promise<R>
  addWorkflow(env?: Record<string, string>): Promise<R>
  addIngest(env?: Record<string, string>): Promise<R>
  stop(): Promise<void>
}

export type Processes = Hasty<Replica>

type Adder = { api: 'addApi'; keeper: 'addKeeper'; job: 'addJob'; workflow: 'addWorkflow'; ingest: 'addIngest' }

/** Services of which only those of kind K are processes. */
export type Mixed<K extends Kind> = Omit<Hasty, K | Adder[K]> & Pick<Processes, K | Adder[K]>

/**
 * The real services as processes, over a nats-server of their own, in a folder and on ports of their own:
 * `await using hasty = await startHasty({ apis: 2, jobs: 2, nginx: true })`. HASTY_KEEP=1 keeps the folder with all logs.
 * For tests that kill, freeze or signal a process, or look at its exit, its memory or its environment.
 */
export const startHasty = (options: HastyOptions = {}): Promise<Processes> => startCluster(options, startProcess)

/**
 * The same services, over the same kind of nats-server, in the test's own process, which is ready several times as fast:
 * for all other tests.
 */
export const startInProcess = (options: HastyOptions = {}): Promise<Hasty> => startCluster(options, startInThisProcess)

/**
 * The services of these kinds as processes, which the test kills, signals or looks at, and all others in the test's own:
 * a process costs half a second of CPU before its first answer.
 */
export const startMixed = <K extends Kind>(kinds: readonly K[], options: HastyOptions = {}): Promise<Mixed<K>> => {
  const isProcess = ({ kind }: Launch) => kinds.some((one) => one === kind)
  // The launcher makes replicas of the kinds K, which no type can say of a list.
  return startCluster(options, (launch) =>
    isProcess(launch) ? startProcess(launch) : startInThisProcess(launch),
  ) as unknown as Promise<Mixed<K>>
}

const startProcess = ({ kind, ...replica }: Launch): Promise<Replica> =>
  startReplica({ ...replica, file: `${kind}/main.ts` })

export type Kind = 'api' | 'keeper' | 'job' | 'workflow' | 'ingest'

/** One replica to start; without a port it gets any free one. */
export type Launch = { kind: Kind; name: string; dir: string; env: Record<string, string>; port?: number }

type Launcher<R> = (launch: Launch) => Promise<R>

async function startCluster<R extends InProcess>(options: HastyOptions, launcher: Launcher<R>): Promise<Hasty<R>> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-'))
  const dataDir = join(dir, 'data')
  // Ended in the opposite order: the folder last, and the broker only when nothing drains any more.
  await using undo = new AsyncDisposableStack()
  undo.defer(() => removeFolder(dir))
  const nats = await startNatsServer(natsOptions(options, dir))
  undo.defer(() => nats.kill('SIGKILL'))
  // Behind nginx, which always overwrites the request's id: the api may trust it.
  const proxied = options.nginx ? { TRUST_PROXY: 'true' } : {}
  const env = { NATS_URL: nats.url, DATA_DIR: dataDir, ...proxied, ...options.env }
  await setUpBroker(readJobConfig({ ...env, ...options.jobEnv }), silentLog)

  // Chosen beforehand, so that the apis know the others without waiting for them.
  const jobPorts = await freePorts(options.jobs ?? 1)
  const workflowPorts = await freePorts(options.workflows ?? 0)
  const known = { JOB_URLS: urlsOf(jobPorts), WORKFLOW_URLS: urlsOf(workflowPorts) }
  const apis = makeGroup(launcher, { kind: 'api', dir, env: { ...known, ...env, ...options.apiEnv } })
  const keepers = makeGroup(launcher, { kind: 'keeper', dir, env: { ...env, ...options.keeperEnv } })
  const jobs = makeGroup(launcher, { kind: 'job', dir, env: { ...env, ...options.jobEnv } }, jobPorts)
  // Its callers come through nginx, or through an api.
  const workflows = makeGroup(
    launcher,
    { kind: 'workflow', dir, env: { TRUST_PROXY: 'true', ...env, ...options.workflowEnv } },
    workflowPorts,
  )
  const ingests = makeGroup(launcher, { kind: 'ingest', dir, env: { ...env, ...options.ingestEnv } })
  undo.defer(() => stopAll([apis, keepers, jobs, workflows, ingests].flatMap(({ replicas }) => replicas)))
  await allOf([
    apis.add(options.apis ?? 1),
    keepers.add(options.keepers ?? 1),
    jobs.add(jobPorts.length),
    workflows.add(workflowPorts.length),
    ingests.add(options.ingests ?? 0),
  ])
  const nginx = options.nginx ? undo.use(await startProxy(dir, apis.replicas, workflows.replicas)) : undefined

  const stack = undo.move()
  const stop = () => stack.disposeAsync()
  return {
    url: nginx?.url ?? apis.replicas[0]?.url ?? '',
    dir,
    dataDir,
    api: apis.replicas,
    keeper: keepers.replicas,
    job: jobs.replicas,
    workflow: workflows.replicas,
    ingest: ingests.replicas,
    nats,
    nginx,
    addApi: (own) => apis.addOne(own),
    addKeeper: (own) => keepers.addOne(own),
    addJob: (own) => jobs.addOne(own),
    addWorkflow: (own) => workflows.addOne(own),
    addIngest: (own) => ingests.addOne(own),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const freePorts = (count: number) => Promise.all(Array.from({ length: count }, () => freePort()))
const urlsOf = (ports: number[]) => ports.map((port) => `http://127.0.0.1:${port}`).join(',')

/** Starts a group of replicas: the first ones get these ports, the others any. */
function makeGroup<R>(
  launcher: Launcher<R>,
  { kind, ...common }: Omit<Launch, 'name' | 'port'>,
  ports: readonly number[] = [],
) {
  const replicas: R[] = []
  let count = 0
  const launch = (own: Record<string, string> = {}) => {
    const port = ports[count]
    const name = `${kind}-${count++}`
    const env = { ...common.env, ...own }
    return launcher({ ...common, kind, name, env, ...(port === undefined ? {} : { port }) })
  }
  return {
    replicas,
    add: async (howMany: number) => {
      const starting = Array.from({ length: howMany }, () => launch())
      const results = await Promise.allSettled(starting)
      replicas.push(...results.filter((result) => result.status === 'fulfilled').map((result) => result.value))
      await Promise.all(starting)
    },
    addOne: async (own?: Record<string, string>) => {
      const replica = await launch(own)
      replicas.push(replica)
      return replica
    },
  }
}

async function stopAll(replicas: InProcess[]): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.stop(5000)))
}

/** Waits for all of them even when one fails, so that nothing is still starting while the rest is torn down. */
async function allOf(work: Promise<void>[]): Promise<void> {
  await Promise.allSettled(work)
  await Promise.all(work)
}

async function startProxy(dir: string, apis: InProcess[], workflows: InProcess[]): Promise<Nginx> {
  const nginx = await startNginx({
    dir: join(dir, 'nginx'),
    upstreams: addressesOf(apis),
    workflowUpstreams: addressesOf(workflows),
  })
  await waitUntil(() => answersOk(`${nginx.url}/readyz`), { what: 'nginx with an api behind it' })
  return nginx
}

const addressesOf = (replicas: InProcess[]) => replicas.map(({ port }) => `127.0.0.1:${port}`)

function natsOptions({ natsSync, maxFileBytes }: HastyOptions, dir: string): NatsOptions {
  return {
    dir: join(dir, 'nats'),
    syncInterval: natsSync ?? TEST_SYNC,
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
  }
}

async function removeFolder(dir: string): Promise<void> {
  if (process.env.HASTY_KEEP) process.stderr.write(`kept: ${dir}\n`)
  else await rm(dir, { recursive: true, force: true, maxRetries: 3 })
}
