import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { startLoad } from '../support/load.ts'
import { type ComposeProject, startComposeProject } from './compose-project.ts'
import { morePosts } from './jobs.ts'

// The commands of README.md, docs/how-to/scale.md and docs/how-to/upgrade.md as they stand there, with jobs waiting and
// running in the lanes all the while. Each starts setup again.

const BACKLOG = 100
// Time that the stand-in of MongoDB takes beside all these containers on two cores.
const PER_SECOND = 12
const SOON = { timeout: 60_000, interval: 500 }

let dir: string
let hasty: ComposeProject
let accepted = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-scale-'))
  await chmod(dir, 0o755)
  await writeNap(null)
  hasty = await startComposeProject({
    env: { SLEEP_MIN_MS: '200', SLEEP_MAX_MS: '400', HASTY_HANDLERS: dir, COOLDOWN_MS: '0' },
  })
  await hasty.up()
  expect(await send('POST', `${hasty.url}/v1/types/nap/pause`)).toMatchObject({ status: 200 })
  const jobs = Array.from({ length: BACKLOG }, (_, n) => ({ object_id: `nap-${n}`, type: 'nap', payload: { ms: 10 } }))
  expect(await postTo(`${hasty.url}/v1/jobs/batch`, jobs)).toMatchObject({ body: { accepted: BACKLOG } })
  accepted += BACKLOG
})

afterAll(async () => {
  await hasty?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

test('scaling up and down, and a type that gets a limit meanwhile, fail no request', async () => {
  await underRequests('scaled', async (more) => {
    await scale(3, 3)
    await more()
    await areUsed(3)
    await writeNap(5)
    await scale(1, 1)
    expect(await limitOfNap()).toBe(5)
    await more()
  })
})

test('a rolling upgrade to a changed image, in which a type loses its limit, fails no request', async () => {
  const next = `${hasty.image}-2`
  await writeFile(join(dir, 'Dockerfile'), `FROM ${hasty.image}\nLABEL changed=yes\n`)
  await hasty.docker('build', '--quiet', '--tag', next, dir)
  await underRequests('upgraded', async (more) => {
    hasty.use({ HASTY_IMAGE: next })
    const command = 'up -d --no-deps --no-recreate --wait --scale api=2 --scale job=2 api job'
    await hasty.compose(...command.split(' '))
    await areUsed(2)
    for (const service of ['api', 'job']) await hasty.docker('stop', '-t', '75', ...(await oldOnes(service)))
    await hasty.compose('rm', '--force')
    await writeNap(null)
    await hasty.compose('run', '--rm', 'setup')
    expect(await limitOfNap()).toBe(null)
    await more()
  })
})

/** The containers of a service that run the first image, found as the documentation finds them. */
async function oldOnes(service: string): Promise<string[]> {
  const ids = (await hasty.compose('ps', '-q', service)).trim().split('\n')
  const images = await hasty.docker('inspect', '-f', '{{.Config.Image}} {{.Id}}', ...ids)
  return images.split('\n').flatMap((line) => (line.startsWith(`${hasty.image} `) ? [line.split(' ')[1] ?? ''] : []))
}

test('after `stop` and `up` with jobs waiting, and running, every job comes to its end', async () => {
  await hasty.compose('stop')
  await hasty.compose('up', '-d')
  await areHealthy()
  expect(await send('POST', `${hasty.url}/v1/types/nap/resume`)).toMatchObject({ status: 200 })
  const counts = async () => (await getFrom(`${hasty.url}/v1/stats`)).body['by_status']
  await expect.poll(counts, { timeout: 150_000, interval: 1_000 }).toMatchObject({ finished: accepted, processing: 0 })
})

/** The commands of README.md and scale.md, and no more: `--no-deps` would leave setup out. */
async function scale(apis: number, jobs: number): Promise<void> {
  await hasty.compose('up', '-d', '--no-recreate', '--scale', `api=${apis}`, '--scale', `job=${jobs}`)
  await areHealthy()
  expect([await hasty.containers('api'), await hasty.containers('job')].map(({ length }) => length)).toEqual([
    apis,
    jobs,
  ])
}

const areHealthy = () =>
  expect
    .poll(async () => {
      const running = (await hasty.containers()).filter(({ service }) => service !== 'setup')
      return running.filter(({ health }) => health !== 'healthy').map(({ service, state }) => `${service} ${state}`)
    }, SOON)
    .toEqual([])

/** nginx leaves out for 5 s an address that refused it while a replica came or went. */
async function areUsed(apis: number): Promise<void> {
  const used = async () => {
    const log = await hasty.compose('logs', '--no-log-prefix', '--no-color', '--tail', '60', 'nginx')
    return new Set(log.split('\n').flatMap((line) => /"upstream":"([^",]+)"/.exec(line)?.[1] ?? [])).size
  }
  await expect.poll(used, SOON).toBe(apis)
}

async function underRequests(what: string, work: (more: () => Promise<void>) => Promise<void>): Promise<void> {
  const load = startLoad({ url: hasty.url, perSecond: PER_SECOND, request: (n) => ({ object_id: `${what}-${n}` }) })
  const more = () => morePosts(load, 2 * PER_SECOND)
  try {
    await more()
    await work(more)
  } finally {
    await load.stop()
  }
  const failed = load.posts.filter(({ outcome }) => outcome !== 'accepted')
  accepted += load.accepted.length
  expect(failed).toEqual([])
}

const limitOfNap = async () => (await getFrom(`${hasty.url}/v1/types/nap`)).body['concurrency']

async function writeNap(concurrency: number | null): Promise<void> {
  const handler = `export const handler = {
  type: 'nap',
  policy: { cooldown: false, concurrency: ${concurrency} },
  run: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms)),
}
`
  await writeFile(join(dir, 'nap.ts'), handler)
}
