// Sends a job, waits for its end and prints its result, with the client library: it repeats what a restart of the server
// interrupts, and makes each job once all the same.
//   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... node examples/run-job.ts invoice-42
// Elsewhere: npm run build:client, npm install PATH/dist/client, and `from 'hasty-client'`.
import { Hasty, HastyError, JobCancelled, JobFailed } from '../client/index.ts'

const { HASTY_URL: url = 'http://localhost:8080', HASTY_TOKEN: token } = process.env
const hasty = new Hasty({ url, token: token || undefined })

try {
  const objectId = process.argv[2] ?? 'invoice-42'
  const result = await hasty.run('add', { numbers: [1, 2, 3, 4, 5, 6] }, { objectId, waitMs: 120_000 })
  console.log(`Result: ${JSON.stringify(result)}`)
} catch (error) {
  process.exitCode = 1
  if (error instanceof HastyError) console.error(`${error.code}: ${error.detail}`)
  else if (error instanceof JobFailed || error instanceof JobCancelled) {
    console.error(error.message)
  } else throw error
}
