import { expect, test } from 'vitest'
import { startLoad } from '../support/load.ts'
import { type ComposeProject, type Container, startComposeProject } from './compose-project.ts'
import { howAllEnded, morePosts } from './jobs.ts'

// HASTY_TEST_REPLICA_SET=1 where `mongo:8` is the real one: then its replica set is used too.
const files = [
  'docker-compose.cluster.yml',
  ...(process.env.HASTY_TEST_REPLICA_SET ? [] : ['e2e/compose/one-mongo.yml']),
]

test('killing the leader of three brokers under load loses no accepted job', async () => {
  await using hasty = await startComposeProject({
    files,
    env: { SLEEP_MIN_MS: '100', SLEEP_MAX_MS: '500', JOB_SLOTS: '50' },
  })
  await hasty.up('--scale', 'api=2', '--scale', 'job=2')
  const load = startLoad({ url: hasty.url, perSecond: 25, request: (n) => ({ object_id: `cluster-${n}` }) })
  try {
    await morePosts(load, 75)
    const leader = await leaderOfJobs(hasty)
    await hasty.killProcess(leader, 'nats-server')
    await expect.poll(() => acceptedSince(load.posts, Date.now() - 1_000), { timeout: 60_000 }).toBeGreaterThan(15)
    await expect.poll(async () => (await leaderOfJobs(hasty)).state, { timeout: 60_000 }).toBe('running')
    await morePosts(load, 75)
  } finally {
    await load.stop()
  }
  const ended = await howAllEnded(hasty.url, load.accepted)
  expect(load.posts.filter(({ outcome }) => outcome === 'unexpected')).toEqual([])
  expect(ended).toEqual({ finished: load.accepted.length })
})

const acceptedSince = (posts: readonly { outcome: string; startedMs: number }[], sinceMs: number): number =>
  posts.filter(({ outcome, startedMs }) => outcome === 'accepted' && startedMs > sinceMs).length

type Jsz = { account_details: { stream_detail: { name: string; cluster: { leader: string } }[] }[] }

async function leaderOfJobs(hasty: ComposeProject): Promise<Container> {
  const nodes = (await hasty.containers()).filter(({ service }) => service.startsWith('nats'))
  const [asked] = nodes.filter(({ state }) => state === 'running')
  const text = await hasty.docker(
    'exec',
    asked?.id ?? '',
    'wget',
    '-q',
    '-O',
    '-',
    'http://127.0.0.1:8222/jsz?streams=true',
  )
  const streams = (JSON.parse(text) as Jsz).account_details.flatMap(({ stream_detail }) => stream_detail)
  const leader = streams.find(({ name }) => name === 'JOBS')?.cluster.leader
  const node = nodes.find(({ service }) => service === leader)
  if (node === undefined) throw new Error(`JOBS has no leader yet (${leader})`)
  return node
}
