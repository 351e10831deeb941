// See HELP. Exit code: 0 only when the check and all tests passed and at least one ran.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runToEnd, runVitest } from './run-vitest.ts'
import { findChromium } from './servers/chromium.ts'
import { prepareEngine } from './servers/engine.ts'
import { findNatsServer } from './servers/find-nats-server.ts'
import { type MongoServer, type NoMongo, startMongo } from './servers/mongo.ts'
import { findNginx } from './servers/nginx.ts'

const root = join(import.meta.dirname, '..')
const say = (line: string) => process.stdout.write(`${line}\n`)
const asked = process.argv.slice(2)

const HELP = `npm test [-- ARGS]: the check, then every test on real servers; ends with the slowest files and one line
"N passed, N failed, N skipped".

  npm test                          everything, the compose project too where an engine runs
  npm test -- --changed             only what may be affected by what is not committed yet
  npm test -- --changed main        ... by what differs from the branch main
  npm test -- --project unit        one level: unit, integration, e2e, faults
  npm test -- e2e/auth              one folder or file
  npm test -- --coverage            what ran of shared/, services/, client/ and cli/, by line and branch

Further arguments go to vitest.`

/** Prepares MongoDB. Only its address reaches the tests; without one they skip, and the report says why. */
async function prepareMongo(dir: string): Promise<MongoServer | NoMongo> {
  const mongo = await startMongo({ dir: join(dir, 'mongo') })
  if ('url' in mongo) say(`mongo: ${mongo.how}`)
  else say(`mongo: none, its suites are skipped (${mongo.reasons.join('; ')})`)
  return mongo
}

/** Prepares the browser, without which the tests of the dashboard are skipped. */
async function prepareChromium(): Promise<void> {
  const found = await findChromium().catch((error: unknown) => error)
  if (typeof found === 'string') say(`chromium: ${found}`)
  else say(`chromium: none, the tests of the dashboard are skipped (${String(found)})`)
}

async function prepareServers(dir: string) {
  const [nats, mongo] = await Promise.all([findNatsServer(), prepareMongo(dir)])
  // One after the other: both may have to be installed.
  const nginx = await findNginx()
  await prepareChromium()
  say(`nats-server: ${nats.path} (from ${nats.how})\nnginx: ${nginx}`)
  return { nats, mongo }
}

function testEnv({ nats, mongo }: Awaited<ReturnType<typeof prepareServers>>): NodeJS.ProcessEnv {
  // A developer's settings for `npm start` must not reach the services under test.
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

/**
 * Prepares the engine for the compose project, which runs only with the whole suite. Returns why it does not run, else
 * null.
 */
async function prepareCompose(): Promise<string | null> {
  if (asked.length > 0) return 'only a part of the tests was asked for: npm run test:compose'
  const { problem } = await prepareEngine()
  return problem
}

/** With more files than these failed, something is broken. */
const AGAIN_MAX = 6

/**
 * Runs the tests. In a run of all of them many share the machine, and a test may fail for want of CPU alone: a few failed
 * files are run once more, one after the other, and the tests that pass then are named as unstable.
 */
async function runTests(args: string[], dir: string, env: NodeJS.ProcessEnv): ReturnType<typeof runVitest> {
  const first = await runVitest(args, dir, env)
  const { failedFiles } = first
  if (asked.length > 0 || failedFiles.length === 0 || failedFiles.length > AGAIN_MAX) return first
  say(`${first.failed} failed beside others; once more, alone: ${failedFiles.join(' ')}`)
  const again = await runVitest(['--no-file-parallelism', ...failedFiles], dir, env)
  for (const name of first.failedNames.filter((each) => !again.failedNames.includes(each))) say(`unstable: ${name}`)
  const { code, failed } = again
  return { ...first, code, failed, passed: first.passed + Math.max(0, first.failed - failed) }
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
    const env = testEnv(await preparing)
    const { code, passed, failed, skipped, skippedNames, slowest } = await runTests(args, dir, env)
    if (notComposed !== null) say(`not run: e2e/compose (${notComposed})`)
    for (const name of skippedNames) say(`skipped: ${name}`)
    for (const { file, seconds } of slowest) say(`${seconds.toFixed(1).padStart(6)} s  ${file}`)
    if (checkFailed) say('the check failed (see above)')
    const bad = failed + (checkFailed ? 1 : 0)
    say(`${passed} passed, ${bad} failed, ${skipped} skipped`)
    // A change may affect no test; every other run must have run something.
    const isEmpty = passed === 0 && !asked.some((arg) => arg.startsWith('--changed'))
    return code !== 0 || bad > 0 || isEmpty ? 1 : 0
  } finally {
    if (prepared.status === 'fulfilled' && 'url' in prepared.value.mongo) await prepared.value.mongo.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

if (asked.includes('--help')) say(HELP)
else
  process.exitCode = await main().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    return 1
  })
