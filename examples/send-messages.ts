// Measures something ten times a second, and sends what was measured once a second, with the client library: it repeats
// what a restart of the server interrupts, and each message is stored once all the same.
//   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... node examples/send-messages.ts 3        (seconds)
import { setTimeout } from 'node:timers/promises'
import { Hasty, HastyError, type NewMessage } from '../client/index.ts'

const { HASTY_URL: url = 'http://localhost:8080', HASTY_TOKEN: token } = process.env
const hasty = new Hasty({ url, token: token || undefined })

const measure = (): NewMessage => ({ timestamp: new Date(), value: (20 + Math.random()).toFixed(2) })

try {
  let accepted = 0
  for (let second = 0; second < Number(process.argv[2] ?? 3); second++) {
    const messages: NewMessage[] = []
    for (let n = 0; n < 10; n++) {
      messages.push(measure())
      await setTimeout(100)
    }
    accepted += (await hasty.sendMessages(messages)).accepted
  }
  console.log(`${accepted} messages accepted`)
} catch (error) {
  if (!(error instanceof HastyError)) throw error
  console.error(`${error.code}: ${error.detail}`)
  process.exitCode = 1
}
