// Writes docs/asyncapi.json: the events of the log, from the schemas that every service parses them by. `npm run
// describe-events`; a test fails while the file is out of date.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeEvents } from './describe-events/asyncapi.ts'

const file = join(import.meta.dirname, '../docs/asyncapi.json')
await writeFile(file, `${JSON.stringify(describeEvents(), null, 2)}\n`)
