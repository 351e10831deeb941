// `npm test [VITEST ARGS]`: the check, then every test on real servers. Ends with one line "N passed, N failed, N skipped".
// Exit code: 0 only when the check and all tests passed and at least one ran.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runToEnd, runVitest } from './run-vitest.ts'
import { prepareEngine } from './servers/engine.ts'
import { findNatsServer } from './servers/find-nats-server.ts'
import { type MongoServer, type NoMongo, startMongo } from './servers/mongo.ts'
import { findNginx } from './servers/nginx.ts'

const root = join(import.meta.dirname, '..')
const say = (line: string) => process.stdout.write(`${line}\n`)
const asked = process.argv.slice(2)

/** Only its address reaches the tests; without one they skip, and this says why. */
async function prepareMongo(dir: string): Promise<MongoServer | NoMongo> {
  const mongo = await startMongo({ dir: join(dir, 'mongo') })
  if ('url' in mongo) say(`mongo: ${mongo.how}`)
  else say(`mongo: none, its suites are skipped (${mongo.reasons.join('; ')})`)
  return mongo
}

async function prepareServers(dir: string) {
  const [nats, nginx, mongo] = await Promise.all([findNatsServer(), findNginx(), prepareMongo(dir)])
  say(`nats-server: ${nats.path} (from ${nats.how})\nnginx: ${nginx}`)
  return { nats, mongo }
}

function testEnv({ nats, mongo }: Awaited<ReturnType<typeof prepareServers>>): NodeJS.ProcessEnv {
  // What a developer has set for `npm start` must not reach the services under test.
  const {
    MONGO_URL: _mongoUrl,
    JOB_MONGO_URL: _jobMongoUrl,
    WORKFLOW_MONGO_URL: _workflowMongoUrl,
    JOB_URLS: _jobUrls,
    WORKFLOW_URLS: _workflowUrls,
    NATS_URL: _natsUrl,
    PORT: _port,
    DATA_DIR: _dataDir,
    ...inherited
  } = process.env
  const ofMongo =
    'url' in mongo
      ? { HASTY_TEST_MONGO_URL: mongo.url, HASTY_TEST_MONGO_KIND: mongo.kind }
      : { HASTY_TEST_MONGO_SKIPPED: mongo.reasons.join('; ') }
  return { ...inherited, NATS_SERVER_BIN: nats.path, ...ofMongo }
}

/** Everything includes the compose project; whoever asks for a part gets just that. Why it is not run, else null. */
async function prepareCompose(): Promise<string | null> {
  if (asked.length > 0) return 'only a part of the tests was asked for: npm run test:compose'
  const { problem } = await prepareEngine()
  return problem
}

async function main(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-test-'))
  const checking = runToEnd(process.execPath, [join(root, 'scripts/check.ts')])
  const preparing = prepareServers(dir)
  const composing = prepareCompose()
  const [checked, prepared] = await Promise.allSettled([checking, preparing, composing])
  try {
    const checkFailed = checked.status === 'rejected' || checked.value !== 0
    const notComposed = await composing
    const args = notComposed === null ? asked : ['--project', '!compose', ...asked]
    const { code, passed, failed, skipped, skippedNames } = await runVitest(args, dir, testEnv(await preparing))
    if (notComposed !== null) say(`not run: e2e/compose (${notComposed})`)
    for (const name of skippedNames) say(`skipped: ${name}`)
    if (checkFailed) say('the check failed (see above)')
    const bad = failed + (checkFailed ? 1 : 0)
    say(`${passed} passed, ${bad} failed, ${skipped} skipped`)
    return code !== 0 || bad > 0 || passed === 0 ? 1 : 0
  } finally {
    if (prepared.status === 'fulfilled' && 'url' in prepared.value.mongo) await prepared.value.mongo.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error))
  return 1
})
