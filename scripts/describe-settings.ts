// Writes docs/configuration.md: every setting, from the schemas that the services and `npm start` read it by. `npm run
// describe-settings`; a test fails while the file is out of date.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeSettings } from './describe-settings/configuration.ts'

await writeFile(join(import.meta.dirname, '../docs/configuration.md'), describeSettings())
